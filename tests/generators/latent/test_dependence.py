import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from generators.latent.dependence import TERMS, Variable, correlations, ordered, scored

ROWS = 40_000


def normals(r: float) -> npt.NDArray[np.float64]:
    rng = np.random.Generator(np.random.PCG64(0))
    return rng.multivariate_normal([0, 0], [[1, r], [r, 1]], ROWS).T


def cut(x: npt.NDArray[np.float64], *at: float) -> Variable:
    return Variable(np.digitize(x, at), len(at) + 1, ordered=True)


def correlation(*variables: Variable) -> npt.NDArray[np.float64]:
    orders, scores = ordered(variables)
    assert all(sorted(o) == list(range(v.cells)) for o, v in zip(orders, variables, strict=True))
    return correlations(scores, np.zeros((len(variables),) * 2, bool))


@pytest.mark.parametrize("r", [-0.9, -0.4, 0.0, 0.3, 0.8])
def test_ties_cost_no_strength(r: float) -> None:
    x, y = normals(r)
    for pair in ((cut(x, 0.0), cut(y, 0.0)), (cut(x, -1.5, 1.0), cut(y, *np.linspace(-2, 2, 60)))):
        assert correlation(*pair)[0, 1] == pytest.approx(r, abs=0.03)


def test_hermite_coefficients_of_a_half_line() -> None:
    found = scored(Variable(np.array([0, 1]), 2, ordered=True), np.arange(2))
    mean = np.sqrt(2 / np.pi)
    assert found.values == pytest.approx([-mean, mean])
    assert found.hermite.shape == (TERMS,)
    assert found.hermite[:3] == pytest.approx([mean**2, 0, -(mean**2) / np.sqrt(6)])


def test_shuffled_categories_find_their_order() -> None:
    x, y = normals(0.8)
    shuffled = np.array([3, 0, 2, 1])[np.digitize(x, [-1, 0, 1])]
    assert abs(
        correlation(Variable(shuffled, 4, ordered=False), cut(y, *np.linspace(-2, 2, 40)))[0, 1]
    ) == pytest.approx(0.8, abs=0.03)
    orders, _ = ordered([Variable(shuffled, 4, ordered=False), cut(y, 0.0)])
    assert orders[0].tolist() in ([3, 0, 2, 1], [1, 2, 0, 3])


def test_missing_rows_are_left_out() -> None:
    x, y = normals(0.7)
    codes = np.digitize(x, [-0.5, 0.5])
    codes[:10_000] = -1
    assert correlation(Variable(codes, 3, ordered=True), cut(y, 0.0))[0, 1] == pytest.approx(0.7, abs=0.03)


@pytest.mark.parametrize("cells", [1, 2])
def test_constants_and_nothing_go_with_nothing(cells: int) -> None:
    x, _ = normals(0.5)
    constant = Variable(np.zeros(ROWS, np.int64), cells, ordered=False)
    assert correlation(constant, cut(x, 0.0))[0, 1] == pytest.approx(0, abs=1e-6)
    nothing = Variable(np.full(ROWS, -1), cells, ordered=False)
    assert correlation(nothing, cut(x, 0.0))[0, 1] == pytest.approx(0, abs=1e-6)


def test_copies_stay_a_correlation_matrix() -> None:
    x, y = normals(0.5)
    copies = [cut(x, *np.linspace(-2, 2, k)) for k in (3, 9, 40)] + [cut(-x, 0.1), cut(y, 0.0), cut(x + y, 0.3)]
    found = correlation(*copies)
    assert np.linalg.eigvalsh(found).min() > 0
    assert np.diag(found) == pytest.approx(1)
    assert (found == found.T).all()
    assert found[1, 2] > 0.98
    assert stats.rankdata(found[:3, 3]).size == 3
