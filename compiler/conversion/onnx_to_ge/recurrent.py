"""LSTM and GRU: one node for the whole sequence. RNN has no form of GraphEngine's."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects.builtin import DenseArrayBase, NoneType, f32
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import (
    element_of,
    integer,
    is_ranked,
    real,
    string,
    strings,
)
from dialects.types import DYNAMIC, shape_of, tensor_type

PORTS = {
    "x": "X",
    "w": "W",
    "r": "R",
    "b": "B",
    "sequence_lens": "sequence_lens",
    "initial_h": "initial_h",
}


def lstm(emit: Emitter) -> list[SSAValue]:
    """LSTM → CommonLSTM. ATC writes a hidden size of 0: the weights R say it."""
    ports = PORTS | {"initial_c": "initial_c", "p": "P"}
    forget = {"input_forget": integer(1)} if emit.node.integer("input_forget") else {}
    attributes = {"hidden_size": integer(0), **forget, **_chosen(emit, "Sigmoid Tanh Tanh")}
    return emit.ops("CommonLSTM", _inputs(emit, ports), attributes, results=_types(emit, 3))


def gru(emit: Emitter) -> list[SSAValue]:
    """GRU → CommonGRU."""
    linear = emit.has("linear_before_reset") and emit.node.integer("linear_before_reset")
    attributes = {
        "hidden_size": integer(emit.node.integer("hidden_size") or 0),
        **({"linear_before_reset": integer(1)} if linear else {}),
        **_chosen(emit, "Sigmoid Tanh"),
    }
    return emit.ops("CommonGRU", _inputs(emit, PORTS), attributes, results=_types(emit, 2))


def rnn(emit: Emitter) -> list[SSAValue]:
    """RNN: GraphEngine's operator computes one step only."""
    _check_activations(emit, 1)
    raise emit.no_form("of a whole sequence is no operator of GraphEngine's")


def _check_activations(emit: Emitter, each: int) -> None:
    """A UserError unless there is one for each gate and direction, or none."""
    # ONNX's default is for two directions, whatever the node has.
    node = emit.node
    given = len(node.texts("activations") or ()) if "activations" in node.attributes else 0
    wanted = each * (1 + (node.text("direction") == "bidirectional"))
    if given not in (0, wanted):
        raise emit.fail(f"attribute 'activations' has {given} functions, {wanted} are needed")


def _inputs(emit: Emitter, ports: Mapping[str, str]) -> dict[str, SSAValue | None]:
    return {port: emit.input(name) for port, name in ports.items()}


def _chosen(emit: Emitter, usual: str) -> dict[str, Attribute]:
    """The direction, and what else is not as usual; `layout` is ours, ATC drops the others."""
    node = emit.node
    _check_activations(emit, len(usual.split()))
    found: dict[str, Attribute] = {"direction": string(node.text("direction") or "forward")}
    activations = node.texts("activations") or ()
    if set(zip(*[iter(activations)] * len(usual.split()), strict=False)) - {tuple(usual.split())}:
        found["activations"] = strings(*activations)
    for name in ("activation_alpha", "activation_beta"):
        if numbers := node.numbers(name):
            found[name] = DenseArrayBase.from_list(f32, numbers)
    clip = node.number("clip")
    if clip is not None:
        found["clip"] = real(clip)
    if emit.has("layout") and node.integer("layout"):
        found["layout"] = integer(1)
    return found


def _types(emit: Emitter, count: int) -> list[Attribute]:
    """The types of all results: those that the model leaves out by the shapes of the others."""
    given = emit.result_types + [NoneType()] * (count - len(emit.result_types))
    x, r = (_dims(emit, name) for name in ("X", "R"))
    batch_first = emit.has("layout") and bool(emit.node.integer("layout"))
    steps, batch = (x[1], x[0]) if batch_first else (x[0], x[1])
    direction = r[0]
    state = (batch, direction, r[2]) if batch_first else (direction, batch, r[2])
    whole = (batch, steps, *state[1:]) if batch_first else (steps, *state)
    element = element_of(emit.needed("X"))
    made = [tensor_type(shape, element) for shape in (whole, *[state] * (count - 1))]
    return [b if isinstance(a, NoneType) else a for a, b in zip(given, made, strict=True)]


def _dims(emit: Emitter, name: str) -> tuple[int, ...]:
    """The three dimensions of a sequence or of weights, as far as they are known."""
    value = emit.needed(name)
    dims = shape_of(value) if is_ranked(value) else (DYNAMIC,) * 3
    if len(dims) != 3:
        raise emit.fail(f"{name} has the shape {list(dims)}, which must have 3 dimensions")
    return dims
