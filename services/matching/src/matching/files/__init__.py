"""The engine without the services: an instance in a file, its result in another.

``matching-solve INSTANCE.json -o RESULT.json`` solves. ``matching-check INSTANCE.json RESULT.json``, a program that
shares no code with this one, proves the result or refuses it.
"""
