"""Every compiled kernel of the generators does what its Python source says."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from generators import columns, keys
from generators.discrete import expectation
from generators.latent import gaussian
from generators.randomness import uniforms
from generators.tabular import copula, marginals, mixture

U = uniforms((1, 2), 0, 40, 2)
LOWER = np.linalg.cholesky(np.array([[1.0, 0.5], [0.5, 1.0]]))
PIECES = columns.pieces_of(
    [columns.categorical(np.array([0.2, 0.8]), np.array([1, 0])), columns.Part(np.ones(1), np.ones(1), np.ones(1), 0.0)]
)
REACHED = np.tile((np.arange(gaussian.GRID) + 0.5) / gaussian.GRID, (2, 1))
X = gaussian.latents(U, LOWER) * 4
HELD = (U[:, :0].T.copy(), U[:, :1].T.copy())
ENDS = np.array([[[-9.0, 1.0]], [[-1.0, 2.0]]])
TEXT = np.frombuffer(b"-120345", np.uint8)
KINDS = np.array([0, 1, 1, 0])
BY_KIND = np.array([0, 3, 1, 2])
UPTO = np.array([[0.2, 0.2, 1.0], [0.0, 0.5, 1.0]])
SPANS = np.array([[0.0, 0.2], [0.2, 0.3], [0.5, 0.5]])
LOGS = np.log(np.array([[0.2, 0.9], [0.8, 0.1], [1.0, 1.0]], np.float32))
CODES = np.array([[0, 0], [1, -1], [-1, 0]], np.int32)


@pytest.mark.parametrize(
    ("kernel", "given"),
    [
        (gaussian.normal_cdf, [(-1.5,), (0.0,), (3.0,)]),
        (gaussian.normal_quantile, [(0.0,), (1e-12,), (0.01,), (0.3,), (0.999,), (1.0,)]),
        (gaussian.cholesky, [(LOWER @ LOWER.T,)]),
        (gaussian.latents, [(U, LOWER)]),
        (
            gaussian.conditional_latents,
            [(U, LOWER, low, low + 1, ENDS, np.array([2])) for low in HELD],
        ),
        (gaussian._truncated, [(u, 0.0, 1.0, np.array([-9.0, 1.0]), np.array([-1.0, 2.0])) for u in (0.1, 0.7)]),
        (gaussian._truncated, [(0.5, 0.0, 1.0, np.array([40.0, 20.0]), np.array([41.0, 21.0]))]),
        (columns.place, [(u, PIECES.table, guide) for u in (0.0, 0.2, 0.99) for guide in PIECES.guide]),
        (marginals._place_all, [(U, PIECES.table, PIECES.guide)]),
        (copula._decode, [(X, REACHED, PIECES.table, PIECES.guide)]),
        (
            mixture._draw,
            [
                (KINDS, BY_KIND, U[:4, 0].copy(), UPTO, np.array([0, 3]), SPANS, (PIECES.table, guide))
                for guide in (PIECES.guide[0], np.empty(0, np.int32))
            ],
        ),
        (mixture._sorted, [(KINDS, 2), (KINDS, 5)]),
        (mixture._chosen, [(UPTO, KINDS, u) for u in (U[:4, 0].copy(), np.full(4, 0.9999), np.zeros(4))]),
        (keys._murmur2, [(TEXT, size) for size in range(8)]),
        (keys._digits, [(n, np.zeros(20, np.uint8)) for n in (0, 7, -120345, 10**18)]),
        (keys._partitions, [(TEXT, np.array([0, 0, 3, 7]), 5)]),
        (keys._search, [(100, 1, 3, 5, 20), (-(10**18), 0, 1, 0, 3)]),
    ],
)
def test_compiled_and_plain_agree(kernel: Callable[..., Any], given: list[tuple[Any, ...]]) -> None:
    plain = getattr(kernel, "py_func", kernel)
    for arguments in given:
        expected = plain(*arguments)
        found = kernel(*arguments)
        pairs = zip(found, expected, strict=True) if isinstance(expected, tuple) else [(found, expected)]
        for compiled, interpreted in pairs:
            np.testing.assert_allclose(compiled, interpreted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("adds", [True, False])
def test_what_kinds_are_expected_is_the_same_compiled_and_plain(adds: bool) -> None:
    found, expected = (np.zeros((4 if adds else 0, 2), np.float32) for _ in range(2))
    given = (CODES, np.array([0, 2, 3]), np.log(np.array([0.25, 0.75], np.float32)), LOGS)
    compiled = expectation._expect(*given, found)
    plain = getattr(expectation._expect, "py_func", expectation._expect)(*given, expected)
    assert compiled == pytest.approx(plain, rel=1e-5)
    assert found == pytest.approx(expected, rel=1e-5)
    likelihood = np.log(0.25 * 0.2 + 0.75 * 0.9) + np.log(0.25 * 0.8 + 0.75 * 0.1)
    assert compiled == pytest.approx(likelihood, rel=1e-5)
