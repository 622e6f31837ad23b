"""How compiled functions are declared: one decorator, typed, cached on disk and free of the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar, cast

import numba

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)


class Kernel(Protocol[P, R_co]):
    """A compiled function; `py_func` is the same function uncompiled."""

    @property
    def py_func(self) -> Callable[P, R_co]:
        """The function as Python runs it."""

    @property
    def signatures(self) -> list[Any]:
        """The argument types it was compiled for so far."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run it compiled, compiling first when the argument types are new."""


def kernel(function: Callable[P, R_co]) -> Kernel[P, R_co]:
    """Declare a numba kernel.

    Machine code is kept on disk under numba's own rules (written aside, then renamed), so processes that start
    together share it safely. The cache knows only the file a kernel stands in: whatever a kernel calls must
    stand in the same file, or a change to it would go unseen.

    Args:
        function: a function of scalars and arrays, within what numba compiles.
    """
    return cast(Kernel[P, R_co], numba.njit(cache=True, nogil=True)(function))


def inlined(function: Callable[P, R_co]) -> Kernel[P, R_co]:
    """Declare a part of kernels that is compiled into each of them: an array is seven arguments to a call.

    Args:
        function: as for `kernel`, and in the same file as the kernels that call it.
    """
    return cast(Kernel[P, R_co], numba.njit(cache=True, nogil=True, forceinline=True)(function))
