"""Recurrent layers against ONNX Runtime: directions, lengths, layouts and what ATC drops."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from runtime.operator_engine import Node, OperatorError, TensorDesc, run

Array = npt.NDArray[Any]
Oracle = Callable[..., list[Array]]

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
TYPES = {"LSTM": "CommonLSTM", "GRU": "CommonGRU", "RNN": "OnnxRNN"}
PORTS = ("x", "w", "r", "b", "sequence_lens", "initial_h", "initial_c", "p")
ONNX_PORTS = ("X", "W", "R", "B", "sequence_lens", "initial_h")
STEPS, BATCH, FEATURES, HIDDEN = 5, 3, 4, 6


def operands(kind: str, directions: int, *, all_inputs: bool, batch_first: bool) -> list[Array]:
    rng = np.random.default_rng(0)
    size = GATES[kind] * HIDDEN
    x = (BATCH, STEPS, FEATURES) if batch_first else (STEPS, BATCH, FEATURES)
    state = (BATCH, directions, HIDDEN) if batch_first else (directions, BATCH, HIDDEN)
    weights = [(directions, size, FEATURES), (directions, size, HIDDEN), (directions, 2 * size)]
    made = [rng.standard_normal(shape).astype(np.float32) for shape in (x, *weights, state, state)]
    if not all_inputs:
        return made[:3]
    lengths = np.array([STEPS, 2, 3], np.int32)
    return [*made[:4], lengths, *(made[4:] if kind == "LSTM" else made[4:5])]


def on_device(kind: str, inputs: list[Array], **attributes: Any) -> list[Array]:
    ports = ONNX_PORTS if kind == "RNN" else PORTS
    count = 3 if kind == "LSTM" else 2
    desc = TensorDesc(np.dtype(np.float32), (-2,))
    node = Node("n", TYPES[kind], attributes, (), (desc,) * count)
    return list(run(node, dict(zip(ports, inputs, strict=False))))


def check(kind: str, oracle: Oracle, attributes: Mapping[str, Any], all_inputs: bool) -> None:
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    batch_first = attributes.get("layout") == 1
    inputs = operands(kind, directions, all_inputs=all_inputs, batch_first=batch_first)
    expected = oracle(
        kind, inputs, {"hidden_size": HIDDEN, **attributes}, outputs=3 if kind == "LSTM" else 2
    )
    for y, e in zip(on_device(kind, inputs, **attributes), expected, strict=True):
        assert y.dtype == e.dtype
        np.testing.assert_allclose(y, e, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("all_inputs", [False, True])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("kind", list(GATES))
def test_directions(kind: str, direction: str, all_inputs: bool, ort_result: Oracle) -> None:
    check(kind, ort_result, {"direction": direction}, all_inputs)


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("GRU", {"linear_before_reset": 1}),
        ("GRU", {"clip": 0.3}),
        ("GRU", {"activations": ["HardSigmoid", "ScaledTanh"], "activation_alpha": [0.3, 1.7],
                 "activation_beta": [0.4, 0.6]}),
        ("LSTM", {"clip": 0.3}),
        ("LSTM", {"input_forget": 1}),
        ("LSTM", {"activations": ["Sigmoid", "Relu", "Softsign"]}),
        ("LSTM", {"activations": ["Affine", "Elu", "LeakyRelu"],
                  "activation_alpha": [0.5, 1.5, 0.2], "activation_beta": [0.1]}),
        ("RNN", {"activations": ["ThresholdedRelu"], "activation_alpha": [0.5]}),
        ("RNN", {"activations": ["Relu", "Softplus"], "direction": "bidirectional"}),
        ("RNN", {"activations": ["Affine"], "activation_alpha": [0.5], "clip": 0.2}),
    ],
)  # fmt: skip
def test_what_the_attributes_say(kind: str, attributes: dict[str, Any], ort_result: Oracle) -> None:
    check(kind, ort_result, attributes, all_inputs=True)


@pytest.mark.parametrize("kind", list(GATES))
def test_the_batch_in_front(kind: str) -> None:
    """ONNX Runtime has no such layout: the same numbers as with the steps in front."""
    inputs = operands(kind, 1, all_inputs=True, batch_first=False)
    turned = list(inputs)
    for place in (0, 5, 6):
        if place < len(inputs):
            turned[place] = inputs[place].swapaxes(0, 1)
    whole, *states = on_device(kind, inputs)
    y, *last = on_device(kind, turned, layout=1)
    np.testing.assert_array_equal(y, whole.transpose(2, 0, 1, 3))
    for a, b in zip(last, states, strict=True):
        np.testing.assert_array_equal(a, b.swapaxes(0, 1))


def test_peepholes(ort_result: Oracle) -> None:
    inputs = operands("LSTM", 1, all_inputs=True, batch_first=False)
    inputs.append(np.random.default_rng(1).standard_normal((1, 3 * HIDDEN)).astype(np.float32))
    expected = ort_result("LSTM", inputs, {"hidden_size": HIDDEN}, outputs=3)
    for y, e in zip(on_device("LSTM", inputs), expected, strict=True):
        np.testing.assert_allclose(y, e, rtol=1e-4, atol=1e-5)


def test_float16_accumulates_in_float32() -> None:
    inputs = operands("LSTM", 1, all_inputs=False, batch_first=False)
    narrow = [x.astype(np.float16) for x in inputs]
    wide = on_device("LSTM", [x.astype(np.float32) for x in narrow])
    for y, e in zip(on_device("LSTM", narrow), wide, strict=True):
        np.testing.assert_array_equal(y, e.astype(np.float16))


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"activations": ["Sigmoid", "Swish", "Tanh"]}, "'Swish' is no activation function"),
        ({"direction": "sideways"}, "direction 'sideways' must be forward"),
    ],
)
def test_errors_name_the_node(attributes: dict[str, Any], message: str) -> None:
    inputs = operands("LSTM", 1, all_inputs=False, batch_first=False)
    with pytest.raises(OperatorError, match=rf"node 'n' \(CommonLSTM\): {message}"):
        on_device("LSTM", inputs, **attributes)
