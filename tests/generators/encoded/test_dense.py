"""Dense layers are torch's but for rounding, and the same every time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch

from generators.encoded.dense import Activation, Dense, Layer, _layer

pytestmark = pytest.mark.kernel


def normal(*shape: int) -> npt.NDArray[np.float32]:
    return np.random.Generator(np.random.PCG64(7)).standard_normal(shape).astype(np.float32)


TORCH = {
    Activation.NONE: lambda x: x,
    Activation.RELU: torch.relu,
    Activation.SILU: torch.nn.functional.silu,
    Activation.TANH: torch.tanh,
}


@pytest.mark.parametrize("activation", Activation)
@pytest.mark.parametrize("joined", [False, True])
def test_a_layer_is_torchs(activation: Activation, joined: bool) -> None:
    layer, x = Layer(normal(5, 19), normal(19), activation, joined), normal(301, 5)
    expected = TORCH[activation](torch.from_numpy(x @ layer.weight + layer.bias)).numpy()
    expected = np.hstack([expected, x]) if joined else expected
    assert Dense([layer])(x) == pytest.approx(expected, abs=1e-5)


@pytest.mark.skipif(not hasattr(_layer, "py_func"), reason="numpy rounds a row's products by how many rows there are")
def test_layers_follow_each_other_and_rows_do_not_depend_on_each_other() -> None:
    net = Dense([Layer(normal(5, 33), normal(33), Activation.RELU, True), Layer(normal(38, 2), normal(2))])
    x = normal(600, 5)
    whole = net(x)
    assert whole.shape == (600, 2)
    assert (net(x) == whole).all()
    assert (net(x[255:260]) == whole[255:260]).all()


@pytest.mark.parametrize(("rows", "inputs"), [(0, 5), (1, 5), (3, 0)])
def test_no_rows_and_no_inputs_are_taken(rows: int, inputs: int) -> None:
    net = Dense([Layer(normal(inputs, 4), normal(4), joined=True), Layer(normal(4 + inputs, 3), normal(3))])
    assert net(normal(rows, inputs)).shape == (rows, 3)


def test_the_arrays_are_all_of_it() -> None:
    net = Dense([Layer(normal(5, 7), normal(7), Activation.SILU, True), Layer(normal(12, 2), normal(2))])
    again = Dense.from_weights(net.weights("net"), "net")
    assert (again(normal(9, 5)) == net(normal(9, 5))).all()
    assert [layer.joined for layer in again.layers] == [True, False]
