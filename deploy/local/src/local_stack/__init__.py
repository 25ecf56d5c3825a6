"""Runs the whole system on one machine with real back-ends, and without Docker."""

from .errors import StackError
from .plan import SERVICES
from .processes import follow_make
from .stack import Stack, start_stack

__all__ = ["SERVICES", "Stack", "StackError", "follow_make", "start_stack"]
