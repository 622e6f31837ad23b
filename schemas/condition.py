"""Conditions over columns: comparisons of formulas, joined by and, or, not."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from schemas.expression import Expression, Values, misplaced

Mask = npt.NDArray[np.bool_]

COMPARED: Mapping[type[ast.cmpop], Callable[[Values, Values], Any]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
JOINED: Mapping[type[ast.boolop], Callable[[list[Mask]], Any]] = {
    ast.And: np.logical_and.reduce,
    ast.Or: np.logical_or.reduce,
}


class Condition(Expression):
    """What a row of numbers fulfils or not; formulas are those of `Expression`, compared at least once.

    Args:
        text: the condition.

    Raises:
        InputError: it is not such a condition.

    >>> c = Condition("0 <= a < 2 * b and not a == 1")
    >>> c.columns, c.holds({"a": np.array([0.0, 1.0, 3.0]), "b": np.array([1.0, 1.0, 1.0])}).tolist()
    (('a', 'b'), [True, False, False])
    """

    KNOWN: ClassVar[str] = "+ - * / // % **, < <= > >= == !=, and, or, not"
    CALLED: ClassVar[str] = "condition"

    def _misplaced(self, tree: ast.expr) -> str | None:
        match tree:
            case ast.BoolOp(values=parts):
                return next((fault for fault in map(self._misplaced, parts) if fault is not None), None)
            case ast.UnaryOp(op=ast.Not(), operand=part):
                return self._misplaced(part)
            case ast.Compare(left=left, ops=ops, comparators=rest) if all(type(op) in COMPARED for op in ops):
                return next((fault for fault in map(misplaced, (left, *rest)) if fault is not None), None)
        return f"{ast.unparse(tree)!r} compares nothing"

    def holds(self, columns: Mapping[str, Values]) -> Mask:
        """Where the condition is fulfilled, shape (rows,), or one answer when it reads no column.

        Args:
            columns: an array of doubles, shape (rows,), for each of `self.columns`.
        """
        with np.errstate(all="ignore"):
            return np.asarray(self._holds(self._tree, columns))

    def _holds(self, node: ast.expr, columns: Mapping[str, Values]) -> Mask:
        match node:
            case ast.BoolOp(op=op, values=parts):
                return np.asarray(JOINED[type(op)]([self._holds(part, columns) for part in parts]))
            case ast.UnaryOp(op=ast.Not(), operand=part):
                return ~self._holds(part, columns)
            case ast.Compare(left=left, ops=ops, comparators=rest):
                values = [self._value(part, columns) for part in (left, *rest)]
                met = [COMPARED[type(op)](a, b) for op, (a, b) in zip(ops, pairwise(values), strict=True)]
                return np.asarray(np.logical_and.reduce(met))
        raise AssertionError(ast.dump(node))  # refused when the condition was made
