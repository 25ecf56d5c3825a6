"""The compiler of the engine's loops: numba, with what all of them need, and with types."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile to machine code at the first call, and keep the code on disk beside the source.

    Whole numbers wrap around as in C. The interpreter's lock is free while the code runs. The code may look into
    arrays and write to them, but not make any: so nothing counts references, which costs more than the sums.
    """
    compiler: Any = numba.njit  # its types leave out _nrt
    return cast("Function", compiler(cache=True, nogil=True, error_model="numpy", _nrt=False)(function))


def compiled_in_place(function: Function) -> Function:
    """The same, and every caller gets the code itself.

    For what takes the market's columns: they are some two hundred words, and handing them over for every row and block
    costs as much as a third of the sums.
    """
    compiler: Any = numba.njit
    made = compiler(cache=True, nogil=True, error_model="numpy", _nrt=False, inline="always")
    return cast("Function", made(function))
