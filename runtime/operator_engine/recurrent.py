"""Recurrent layers over whole sequences: LSTM, GRU and the plain one, in ONNX's terms.

Shapes: x [steps, batch, inputs], w [directions, gates * hidden, inputs],
r [directions, gates * hidden, hidden], b [directions, 2 * gates * hidden].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from runtime.operator_engine.activations import Activation, activations
from runtime.operator_engine.ai_cpu import kept
from runtime.operator_engine.node import Array, Inputs, Kernel, KernelTable, Node
from runtime.precision import widen

States = tuple[Array, ...]
Step = Callable[[Array, States], States]


@dataclass(frozen=True, slots=True)
class Direction:
    """What one direction works with: recurrent weights [hidden, gates * hidden], their bias,
    peepholes [3 * hidden] and activation functions.
    """

    node: Node
    recurrent: Array
    bias: Array
    peepholes: Array
    functions: Sequence[Activation]
    clip: float

    def bounded(self, x: Array) -> Array:
        """The input of an activation function."""
        return np.clip(x, -self.clip, self.clip) if self.clip > 0 else x


Cell = Callable[[Direction], Step]


def lstm(layer: Direction) -> Step:
    """Gates i, o, f, c; the states are hidden and cell."""
    f, g, h = layer.functions
    p_i, p_o, p_f = np.split(layer.peepholes, 3)
    coupled = layer.node.flag("input_forget", False)

    def step(x: Array, states: States) -> States:
        hidden, cell = states
        i, o, f_, c = np.split(x + hidden @ layer.recurrent + layer.bias, 4, axis=1)
        i = f(layer.bounded(i + p_i * cell))
        forget = 1 - i if coupled else f(layer.bounded(f_ + p_f * cell))
        cell = forget * cell + i * g(layer.bounded(c))
        o = f(layer.bounded(o + p_o * cell))
        return o * h(cell), cell  # not bounded, as ONNX Runtime has it

    return step


def gru(layer: Direction) -> Step:
    """Gates z, r, h; the state is hidden."""
    f, g = layer.functions
    size = layer.recurrent.shape[0]
    linear = layer.node.flag("linear_before_reset", False)
    gates, last = layer.recurrent[:, : 2 * size].copy(), layer.recurrent[:, 2 * size :].copy()
    gate_bias, last_bias = layer.bias[: 2 * size], layer.bias[2 * size :]

    def step(x: Array, states: States) -> States:
        (hidden,) = states
        both = f(layer.bounded(x[:, : 2 * size] + hidden @ gates + gate_bias))
        update, reset = both[:, :size], both[:, size:]
        product = (hidden if linear else reset * hidden) @ last + last_bias
        new = g(layer.bounded(x[:, 2 * size :] + (reset * product if linear else product)))
        return ((1 - update) * new + update * hidden,)

    return step


def plain(layer: Direction) -> Step:
    """One gate; the state is hidden."""
    [f] = layer.functions
    return lambda x, states: (f(layer.bounded(x + states[0] @ layer.recurrent + layer.bias)),)


def over_time(
    x: Array, states: States, step: Step, *, backwards: bool, lengths: Array | None
) -> tuple[Array, States]:
    """The hidden state after each step [steps, batch, hidden], and the last states.

    A sequence shorter than the others keeps its last state, and has zeros after its end.
    """
    y = np.zeros((len(x), *states[0].shape), states[0].dtype)
    for time in reversed(range(len(x))) if backwards else range(len(x)):
        new = step(x[time], states)
        if lengths is None:
            y[time], states = new[0], new
            continue
        alive = (time < lengths)[:, None]
        y[time] = np.where(alive, new[0], 0)
        states = tuple(np.where(alive, a, b) for a, b in zip(new, states, strict=True))
    return y, states


def _numbers(node: Node, name: str) -> list[float]:
    return [float(value) for value in cast("list[float]", node.attributes.get(name) or [])]


def _functions(node: Node, usual: Sequence[str], directions: int) -> list[Sequence[Activation]]:
    names = cast("list[str]", node.attributes.get("activations")) or [*usual] * directions
    found = activations(
        names, _numbers(node, "activation_alpha"), _numbers(node, "activation_beta")
    )
    count = len(usual)
    return [found[i * count : (i + 1) * count] for i in range(directions)]


DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}


def _directions(node: Node) -> tuple[bool, ...]:
    """Whether each direction runs backwards."""
    name = node.text("direction", "forward").lower()
    if name not in DIRECTIONS:
        raise node.error(f"direction '{name}' must be {', '.join(DIRECTIONS)}")
    return DIRECTIONS[name]


@dataclass(frozen=True, slots=True)
class Layer:
    """A kind of layer: its cell, gates, activation functions and states."""

    cell: Cell
    gates: int
    usual: tuple[str, ...]
    initial: tuple[str, ...] = ("initial_h",)
    onnx: bool = False
    """Whether the node is in ONNX's form, with its upper-case port names."""

    def __call__(self, node: Node, inputs: Inputs) -> Sequence[Array]:
        """Y, Y_h and for an LSTM Y_c; with `layout` 1 the batch is in front."""
        ports = {name.lower(): x for name, x in inputs.items()} if self.onnx else inputs
        batch_first = node.integer("layout", 0) == 1
        x = widen(ports["x"]).swapaxes(0, 1) if batch_first else widen(ports["x"])
        results = [self._run(node, ports, x, i, batch_first) for i in range(len(_directions(node)))]
        whole = np.stack([y for y, _ in results], axis=1)
        states = [np.stack(parts) for parts in zip(*(s for _, s in results), strict=True)]
        if batch_first:
            whole = whole.transpose(2, 0, 1, 3)
            states = [state.swapaxes(0, 1) for state in states]
        outputs = [y.astype(ports["x"].dtype) for y in (whole, *states)]
        return kept(node, outputs) if self.onnx else outputs

    def _run(
        self, node: Node, ports: Inputs, x: Array, place: int, batch_first: bool
    ) -> tuple[Array, States]:
        """One direction."""
        backwards = _directions(node)
        w, r = widen(ports["w"])[place], widen(ports["r"])[place]
        size = r.shape[1]
        if w.shape[0] != self.gates * size or r.shape[0] != self.gates * size:
            raise node.error(f"weights {w.shape} and {r.shape} do not have {self.gates} gates")
        bias = _vector(ports, "b", place, 2 * self.gates * size, x.dtype)
        layer = Direction(
            node,
            np.ascontiguousarray(r.T),
            bias[self.gates * size :],
            _vector(ports, "p", place, 3 * size, x.dtype),
            _functions(node, self.usual, len(backwards))[place],
            node.number("clip", -1.0),
        )
        steps, batch, features = x.shape
        driven = x.reshape(-1, features) @ w.T + bias[: self.gates * size]
        driven = driven.reshape(steps, batch, self.gates * size)
        zeros = np.zeros((batch, size), x.dtype)
        states = tuple(
            (widen(ports[name]).swapaxes(0, 1) if batch_first else widen(ports[name]))[place]
            if name in ports
            else zeros
            for name in self.initial
        )
        lengths = ports.get("sequence_lens")
        if lengths is not None and bool(np.all(lengths == steps)):
            lengths = None
        step = self.cell(layer)
        return over_time(driven, states, step, backwards=backwards[place], lengths=lengths)


def _vector(ports: Inputs, name: str, place: int, size: int, dtype: np.dtype[Any]) -> Array:
    """The bias or peepholes of a direction, zeros where they are left out."""
    return widen(ports[name])[place] if name in ports else np.zeros(size, dtype)


_LSTM = Layer(lstm, 4, ("Sigmoid", "Tanh", "Tanh"), ("initial_h", "initial_c"))
_GRU = Layer(gru, 3, ("Sigmoid", "Tanh"))
_RNN = Layer(plain, 1, ("Tanh",), onnx=True)

KERNELS: KernelTable = cast(
    "dict[str, Kernel]", {"CommonGRU": _GRU, "CommonLSTM": _LSTM, "OnnxRNN": _RNN}
)
