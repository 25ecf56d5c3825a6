"""Checks a matching result against its instance, with the standard library only and none of the engine's code."""
