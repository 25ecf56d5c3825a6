"""What scheduling can do: load, decide, save."""

from .booker import Booker
from .conducting import Conducting, Wish
from .planning import Planning
from .ports import Due, Stores, Unfinished
from .reading import CalendarItem, Reading

__all__ = ["Booker", "CalendarItem", "Conducting", "Due", "Planning", "Reading", "Stores", "Unfinished", "Wish"]
