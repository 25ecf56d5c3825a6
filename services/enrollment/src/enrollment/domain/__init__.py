"""Decisions of the enrollment service: pure functions, frozen dataclasses, named refusals."""
