"""Calling a C function by its address, from code that is compiled or from Python."""

from __future__ import annotations

import ctypes
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic


def interpreted(function: int, first: int, second: int, third: int) -> int:
    """Call a function of three words; its result is one, too.

    Args:
        function: its address.
        first: an argument, as are `second` and `third`.
    """
    word = ctypes.c_int64
    return int(ctypes.CFUNCTYPE(word, word, word, word)(int(function))(first, second, third))


@intrinsic
def compiled(context: Any, function: Any, first: Any, second: Any, third: Any) -> Any:
    """The same, for numba: see `numba.extending.intrinsic`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        target = builder.inttoptr(arguments[0], ir.FunctionType(word, [word] * 3).as_pointer())
        return builder.call(target, arguments[1:])

    return types.int64(types.int64, types.int64, types.int64, types.int64), generate


_numba: Any = numba
called: Any = interpreted if _numba.config.DISABLE_JIT else compiled
"""What to use in a kernel, which may run uncompiled."""
