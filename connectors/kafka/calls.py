"""Calling a C function by its address, from code that is compiled or from Python."""

from __future__ import annotations

import ctypes
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic


def interpreted(function: int, words: tuple[int, ...]) -> int:
    """Call a function of words; its result is one, too.

    Args:
        function: its address.
        words: its arguments.
    """
    word = ctypes.c_int64
    return int(ctypes.CFUNCTYPE(word, *[word] * len(words))(int(function))(*map(int, words)))


@intrinsic
def compiled(context: Any, function: Any, words: Any) -> Any:
    """The same, for numba: see `numba.extending.intrinsic`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        passed = [builder.extract_value(arguments[1], i) for i in range(len(words))]
        target = builder.inttoptr(arguments[0], ir.FunctionType(word, [word] * len(words)).as_pointer())
        return builder.call(target, passed)

    return types.int64(types.int64, words), generate


_numba: Any = numba
called: Any = interpreted if _numba.config.DISABLE_JIT else compiled
"""What to use in a kernel, which may run uncompiled."""
