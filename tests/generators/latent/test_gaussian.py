import numpy as np
import pytest
from scipy import stats

from generators.latent.gaussian import cholesky, conditional_latents, latents, normal_cdf, normal_quantile
from generators.randomness import uniforms

MATRIX = np.array([[1.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 1.0]])


def test_quantiles_are_scipys() -> None:
    u = np.concatenate([np.linspace(0.001, 0.999, 999), 10.0 ** -np.arange(3, 16), 1 - 10.0 ** -np.arange(3, 15)])
    assert [normal_quantile(x) for x in u] == pytest.approx(stats.norm.ppf(u), abs=1e-13)
    assert -9 < normal_quantile(0.0) < -8 < 8 < normal_quantile(1.0) < 9
    assert [normal_cdf(x) for x in (-8.0, -1.0, 0.0, 3.0)] == pytest.approx(stats.norm.cdf([-8, -1, 0, 3]), rel=1e-12)


def test_the_cholesky_factor_is_numpys() -> None:
    assert cholesky(MATRIX) == pytest.approx(np.linalg.cholesky(MATRIX))


def test_latents_have_the_correlation() -> None:
    u = uniforms((1, 2), 0, 50_000, 4)
    x = latents(u, cholesky(MATRIX))
    assert x.shape == (3, 50_000)
    assert np.corrcoef(x) == pytest.approx(MATRIX, abs=0.015)
    assert x == pytest.approx(cholesky(MATRIX) @ stats.norm.ppf(u[:, :3]).T, abs=1e-9)
    assert stats.kstest(x[2], "norm").pvalue > 1e-3


NONE = np.empty((0, 20_000))
FREE = np.empty((2, 0, 1))
NO_PARTS = np.empty(0, np.int64)


def test_held_latents_follow_the_conditional_distribution() -> None:
    u = uniforms((1, 2), 0, 20_000, 3)
    ends = np.array([[[-9.0, 1.0]], [[-2.0, 1.5]]])
    x = conditional_latents(u, cholesky(MATRIX), NONE, NONE, ends, np.array([2]))
    assert (((x[0] >= -9) & (x[0] <= -2)) | ((x[0] >= 1) & (x[0] <= 1.5))).all()
    share = stats.norm.cdf(-2) / (stats.norm.cdf(-2) + stats.norm.cdf(1.5) - stats.norm.cdf(1))
    assert (x[0] < 0).mean() == pytest.approx(share, abs=0.01)
    assert stats.kstest((x[1] - 0.6 * x[0]) / 0.8, "norm").pvalue > 1e-3


def test_each_row_may_hold_an_interval_of_its_own() -> None:
    u = uniforms((1, 2), 0, 20_000, 3)
    low = np.where(np.arange(20_000) % 2, -9.0, 0.5)[None, :]
    high = np.where(np.arange(20_000) % 2, 0.5, 9.0)[None, :]
    x = conditional_latents(u, cholesky(MATRIX), low, high, FREE, NO_PARTS)
    assert ((low[0] <= x[0]) & (x[0] <= high[0])).all()
    odd = stats.norm.cdf(x[0][1::2]) / stats.norm.cdf(0.5)
    assert stats.kstest(odd, "uniform").pvalue > 1e-3
    assert stats.kstest((x[1] - 0.6 * x[0]) / 0.8, "norm").pvalue > 1e-3


def test_a_point_and_a_place_out_of_reach_hold_too() -> None:
    u = uniforms((1, 2), 0, 50, 3)
    at, far = np.full((1, 50), 0.7), np.full((1, 50), 60.0)
    held = conditional_latents(u, cholesky(MATRIX), at, at, FREE, NO_PARTS)
    assert held[0] == pytest.approx(0.7)
    assert conditional_latents(u, cholesky(MATRIX), far, far + 1, FREE, NO_PARTS)[0] == pytest.approx(60)
