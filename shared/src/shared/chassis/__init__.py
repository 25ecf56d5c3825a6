"""The runtime that the four services share. No business word in here."""
