"""Products and sums of 32-bit numbers in an order that is written out, a processor's vector at a time.

The compiler is not told to reorder arithmetic: what it makes of that depends on what else it compiles, and a record
must not. So the vectors are spelled out in its own language, each product and sum rounded once together (`llvm.fma`);
that is also as fast as the processor can go. Uncompiled, numpy does the same up to rounding.

Source: Goto and van de Geijn 2008, "Anatomy of high-performance matrix multiplication" (the tile).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, overload

ROWS, LANES = 4, 16
"""A tile of a product: so many rows by so many columns, which fit the registers of common processors."""

Floats32 = npt.NDArray[np.float32]

_INT, _LANE, _FLOAT = ir.IntType(64), ir.IntType(32), ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, LANES)


def padded(n: int) -> int:
    """So many columns, filled up to whole tiles.

    >>> padded(17)
    32
    """
    return -(-n // LANES) * LANES


def times(x: Floats32, by: Floats32, product: Floats32) -> None:
    """The product of two matrices, each sum in the order of `k`.

    Args:
        x: shape (rows, k), rows a multiple of ROWS.
        by: shape (k, columns), columns a multiple of LANES.
        product: takes it, shape (rows, columns).
    """
    product[:] = x @ by


@overload(times)
def _times(x: Any, by: Any, product: Any) -> Callable[..., None]:
    def compiled(x: Any, by: Any, product: Any) -> None:
        rows, depth = x.shape
        columns = by.shape[1]
        for i in range(0, rows, ROWS):
            for j in range(0, columns, LANES):
                _tile(x[i:].ctypes.data, by[:, j:].ctypes.data, product[i:, j:].ctypes.data, depth, columns)

    return compiled


def dot(x: Floats32, y: Floats32) -> Any:
    """The sum of the products of two rows of numbers, LANES sums side by side.

    Args:
        x: shape (n,).
        y: the same.
    """
    return np.float32(x @ y)


@overload(dot)
def _dot(x: Any, y: Any) -> Callable[..., Any]:
    def compiled(x: Any, y: Any) -> Any:
        whole = len(x) - len(x) % LANES
        total = _vector_dot(x.ctypes.data, y.ctypes.data, whole)
        for k in range(whole, len(x)):
            total += x[k] * y[k]
        return total

    return compiled


def _fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c in every lane, rounded once."""
    name = f"llvm.fma.v{LANES}f32"
    known = builder.module.globals.get(name)
    made = known or ir.Function(builder.module, ir.FunctionType(_VECTOR, [_VECTOR] * 3), name)
    return builder.call(made, [a, b, c])


def _load(builder: Any, base: Any, at: Any) -> Any:
    """LANES numbers from an address on."""
    place = builder.gep(builder.inttoptr(base, _FLOAT.as_pointer()), [at])
    numbers = builder.load(builder.bitcast(place, _VECTOR.as_pointer()))
    numbers.align = 4
    return numbers


def _everywhere(builder: Any, number: Any) -> Any:
    """A number in every lane."""
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(nothing, number, ir.Constant(_LANE, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_LANE, LANES), [0] * LANES))


def _loop(builder: Any, until: Any, step: int, count: int, body: Callable[[Any, list[Any]], list[Any]]) -> list[Any]:
    """Vectors that begin at zero and that a loop's body replaces, once at least; as they are after it."""
    before, inside, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
    builder.branch(inside)
    builder.position_at_end(inside)
    k = builder.phi(_INT)
    k.add_incoming(ir.Constant(_INT, 0), before)
    running = [builder.phi(_VECTOR) for _ in range(count)]
    for vector in running:
        vector.add_incoming(ir.Constant(_VECTOR, [0.0] * LANES), before)
    done = body(k, running)
    following = builder.add(k, ir.Constant(_INT, step))
    k.add_incoming(following, inside)
    for vector, new in zip(running, done, strict=True):
        vector.add_incoming(new, inside)
    builder.cbranch(builder.icmp_signed("<", following, until), inside, after)
    builder.position_at_end(after)
    return done


def _spelled_tile(_: Any, x: Any, by: Any, product: Any, depth: Any, columns: Any) -> Any:
    """ROWS by LANES numbers of a product, kept in registers while k goes by.

    Args:
        x: address of the first of ROWS rows, `depth` numbers apart.
        by: address of the first of LANES columns; rows are `columns` numbers apart, as those of the product are.
        product: address of the first number of the tile.
        depth: at least 1.
        columns: see `by`.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, by, product, depth, columns = arguments
        rows = builder.inttoptr(x, _FLOAT.as_pointer())

        def body(k: Any, running: list[Any]) -> list[Any]:
            right = _load(builder, by, builder.mul(k, columns))
            left = [
                builder.load(builder.gep(rows, [builder.add(k, builder.mul(depth, ir.Constant(_INT, r)))]))
                for r in range(ROWS)
            ]
            return [_fma(builder, _everywhere(builder, a), right, c) for a, c in zip(left, running, strict=True)]

        first = builder.inttoptr(product, _FLOAT.as_pointer())
        for r, vector in enumerate(_loop(builder, depth, 1, ROWS, body)):
            place = builder.gep(first, [builder.mul(columns, ir.Constant(_INT, r))])
            builder.store(vector, builder.bitcast(place, _VECTOR.as_pointer())).align = 4
        return context.get_dummy_value()

    return types.void(*(types.intp,) * 5), generate


_tile: Callable[..., Any] = intrinsic(_spelled_tile)


def _spelled_dot(_: Any, x: Any, y: Any, n: Any) -> Any:
    """The sum of products of numbers at two addresses; n is a multiple of LANES, 0 for none."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, y, n = arguments
        zero = ir.Constant(_FLOAT, 0.0)
        before = builder.block
        with builder.if_then(builder.icmp_signed(">", n, ir.Constant(_INT, 0))):
            (lanes,) = _loop(
                builder, n, LANES, 1, lambda k, c: [_fma(builder, _load(builder, x, k), _load(builder, y, k), c[0])]
            )
            width = LANES
            while width > 1:
                width //= 2
                half = ir.Constant(ir.VectorType(_LANE, LANES), [(i + width) % LANES for i in range(LANES)])
                lanes = builder.fadd(lanes, builder.shuffle_vector(lanes, lanes, half))
            total = builder.extract_element(lanes, ir.Constant(_LANE, 0))
            inside = builder.block
        result = builder.phi(_FLOAT)
        result.add_incoming(zero, before)
        result.add_incoming(total, inside)
        return result

    return types.float32(*(types.intp,) * 3), generate


_vector_dot: Callable[..., Any] = intrinsic(_spelled_dot)
