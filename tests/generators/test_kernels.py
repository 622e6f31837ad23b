"""Every compiled kernel of the generators does what its Python source says."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from generators import columns, gaussian, keys
from generators.randomness import uniforms
from generators.tabular import copula, marginals

U = uniforms((1, 2), 0, 40, 2)
LOWER = np.linalg.cholesky(np.array([[1.0, 0.5], [0.5, 1.0]]))
PIECES = columns.pieces_of(
    [columns.categorical(np.array([0.2, 0.8]), np.array([1, 0])), columns.Part(np.ones(1), np.ones(1), np.ones(1), 0.0)]
)
REACHED = np.tile((np.arange(gaussian.GRID) + 0.5) / gaussian.GRID, (2, 1))
X = gaussian.latents(U, LOWER) * 4
TEXT = np.frombuffer(b"-120345", np.uint8)


@pytest.mark.parametrize(
    ("kernel", "given"),
    [
        (gaussian.normal_cdf, [(-1.5,), (0.0,), (3.0,)]),
        (gaussian.normal_quantile, [(0.0,), (1e-12,), (0.01,), (0.3,), (0.999,), (1.0,)]),
        (gaussian.cholesky, [(LOWER @ LOWER.T,)]),
        (gaussian.latents, [(U, LOWER)]),
        (gaussian.conditional_latents, [(U, LOWER, np.array([[-9.0, 1.0]]), np.array([[-1.0, 2.0]]), np.array([2]))]),
        (gaussian._truncated, [(u, 0.0, 1.0, np.array([-9.0, 1.0]), np.array([-1.0, 2.0])) for u in (0.1, 0.7)]),
        (gaussian._truncated, [(0.5, 0.0, 1.0, np.array([40.0, 20.0]), np.array([41.0, 21.0]))]),
        (columns.place, [(u, PIECES.table, guide) for u in (0.0, 0.2, 0.99) for guide in PIECES.guide]),
        (marginals._place_all, [(U, PIECES.table, PIECES.guide)]),
        (copula._decode, [(X, REACHED, PIECES.table, PIECES.guide)]),
        (keys._murmur2, [(TEXT, size) for size in range(8)]),
        (keys._digits, [(n, np.zeros(20, np.uint8)) for n in (0, 7, -120345, 10**18)]),
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
