"""The checker: reads topics, collections and APIs by itself, and compares them with what was acknowledged.

It shares no code with the platform, nor with the driver and the nemesis: what a document, a topic or an event looks
like is written down here a second time, from the services' documents, so that a fault cannot hide in both.
"""
