"""The shape of the code base: what may import what, what every service has, and what the documents point at."""
