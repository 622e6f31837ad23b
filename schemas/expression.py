"""Arithmetic over columns, read from text and evaluated over arrays without running anything else."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from schemas.errors import InputError

Values = npt.NDArray[np.float64]

OPERATORS: Mapping[type[ast.AST], Callable[[Values, Values], Values]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
}
SIGNS: Mapping[type[ast.AST], Callable[[Values], Values]] = {ast.USub: np.negative, ast.UAdd: np.positive}
FUNCTIONS: Mapping[str, tuple[int, Callable[..., Values]]] = {
    "abs": (1, np.abs),
    "floor": (1, np.floor),
    "round": (1, np.round),
    "min": (2, np.minimum),
    "max": (2, np.maximum),
}
"""The functions a formula may use, with the number of their arguments."""

LARGEST = float(np.finfo(np.float64).max)
"""The largest number a formula may name."""

LONGEST = 1_000
"""Characters of the longest formula that is read."""

QUOTED = re.compile("`([^`]+)`")
STAND_IN = "quoted_column_"


@dataclass(frozen=True)
class Expression:
    """A formula over columns.

    Known are numbers, + - * / // % **, brackets, abs floor round min max, and columns by name; names that are not
    plain words stand in backticks.

    Args:
        text: the formula.

    Raises:
        InputError: it is not such a formula.

    >>> e = Expression("2 * a + `b c`")
    >>> e.columns, e.evaluate({"a": np.array([1.0, 2.0]), "b c": np.array([0.5, 0.25])}).tolist()
    (('a', 'b c'), [2.5, 4.25])
    """

    text: str

    KNOWN: ClassVar[str] = "+ - * / // % **"
    CALLED: ClassVar[str] = "formula"

    def __post_init__(self) -> None:
        fault = self._fault()
        if fault is not None:
            known = f"numbers, columns, {self.KNOWN}, brackets, {', '.join(FUNCTIONS)}"
            raise InputError(f"expression={self.text!r}: {fault}; expected a {self.CALLED} of {known}")

    def _fault(self) -> str | None:
        if len(self.text) > LONGEST:
            return f"has {len(self.text)} characters, at most {LONGEST} are read"
        try:
            return self._misplaced(self._tree)
        except SyntaxError as error:
            return f"can not be read ({error.msg})"
        except RecursionError:
            return "is nested too deeply"

    def _misplaced(self, tree: ast.expr) -> str | None:
        """What in a tree is not known; None when all of it is."""
        return misplaced(tree)

    @cached_property
    def _quoted(self) -> tuple[str, ...]:
        return tuple(QUOTED.findall(self.text))

    @cached_property
    def _tree(self) -> ast.expr:
        numbers = iter(range(len(self._quoted)))
        plain = QUOTED.sub(lambda _: f" {STAND_IN}{next(numbers)} ", self.text)
        return ast.parse(plain.strip(), mode="eval").body

    def _column(self, name: str) -> str:
        return self._quoted[int(name.removeprefix(STAND_IN))] if name.startswith(STAND_IN) else name

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns the formula reads."""
        functions = {id(node.func) for node in ast.walk(self._tree) if isinstance(node, ast.Call)}
        names = [node for node in ast.walk(self._tree) if isinstance(node, ast.Name) and id(node) not in functions]
        names.sort(key=lambda node: node.col_offset)
        return tuple(dict.fromkeys(self._column(node.id) for node in names))

    def evaluate(self, columns: Mapping[str, Values]) -> Values:
        """Compute the formula.

        Args:
            columns: an array of doubles, shape (rows,), for each of `self.columns`.

        Returns:
            (rows,) doubles, or one double when the formula reads no column; infinite or NaN where it divides by zero.
        """
        with np.errstate(all="ignore"):
            return self._value(self._tree, columns)

    def _value(self, node: ast.expr, columns: Mapping[str, Values]) -> Values:
        match node:
            case ast.Constant():
                return np.asarray(node.value, np.float64)
            case ast.Name():
                return columns[self._column(node.id)]
            case ast.UnaryOp():
                return SIGNS[type(node.op)](self._value(node.operand, columns))
            case ast.BinOp():
                return OPERATORS[type(node.op)](self._value(node.left, columns), self._value(node.right, columns))
            case ast.Call(func=ast.Name(id=name)):
                return FUNCTIONS[name][1](*(self._value(arg, columns) for arg in node.args))
        raise AssertionError(ast.dump(node))  # refused when the expression was made


def misplaced(node: ast.expr) -> str | None:
    """What in a tree is not arithmetic; None when all of it is."""
    parts: list[ast.expr] = []
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool) and value <= LARGEST:
            pass
        case ast.Name():
            pass
        case ast.UnaryOp(op=op, operand=operand) if type(op) in SIGNS:
            parts = [operand]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            parts = [left, right]
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            if len(args) != FUNCTIONS[name][0]:
                return f"{name} takes {FUNCTIONS[name][0]} values, got {len(args)}"
            parts = args
        case _:
            return f"{ast.unparse(node)!r} is not known"
    return next((fault for fault in map(misplaced, parts) if fault is not None), None)
