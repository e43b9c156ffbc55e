"""Operators in ONNX's own form, as the AI CPU runs them: with onnx's reference implementation.

A node of type `Onnx<operator>` has ONNX's input names as ports, ONNX's attributes, and says with
`onnx_domain` and `onnx_opset` which version of the operator it is. A tensor attribute is an input
at a port of its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from runtime.operator_engine.node import Array, Inputs, Node
from runtime.operator_engine.seeds import fresh_seed

if TYPE_CHECKING:
    import onnx
    from onnx.defs import OpSchema
    from onnx.reference import ReferenceEvaluator

PREFIX = "Onnx"
_MODES = {"bilinear": "linear", "bicubic": "cubic"}


def run_onnx(node: Node, inputs: Inputs) -> Sequence[Array]:
    """The outputs of the operator; a sequence is a list, an absent optional value None."""
    try:
        evaluator, names = _remembered(node, inputs)
        return [_result(y) for y in evaluator.run(None, {port: inputs[port] for port in names})]
    except Exception as error:  # the reference raises whatever its operators do
        raise node.error(f"{type(error).__name__}: {error}") from error


def _remembered(node: Node, inputs: Inputs) -> tuple[Any, Sequence[str]]:
    """An evaluator and the names of its inputs: to make one takes longer than most operators.

    It is the earlier one where it hangs on types only: no input is an attribute, none is a seed.
    """
    schema = _schema(node)
    tensors = all(isinstance(cast("Any", x), np.ndarray) for x in inputs.values())
    if not tensors or not schema.attributes.keys().isdisjoint({"seed", *inputs}):
        return _evaluator(node, schema, inputs)
    key = tuple((port, x.dtype, x.ndim) for port, x in inputs.items())
    if key not in node.known:
        node.known[key] = _evaluator(node, schema, inputs)
    return cast("tuple[Any, Sequence[str]]", node.known[key])


def kept(node: Node, results: Sequence[Array]) -> Sequence[Array]:
    """Of all results of an operator in ONNX's form those that the node has."""
    return [results[i] for i in node.integers("onnx_outputs", list(range(len(node.outputs))))]


def _result(value: Any) -> Any:
    kept = value is None or isinstance(value, list | dict)
    return cast("Any", value) if kept else np.asarray(value)


def _schema(node: Node) -> OpSchema:
    """ONNX's schema of the operator in the node's opset."""
    import onnx

    name, opset = node.type.removeprefix(PREFIX), node.integer("onnx_opset")
    return onnx.defs.get_schema(name, opset, _domain(node))


def _domain(node: Node) -> str:
    domain = node.text("onnx_domain")
    return "" if domain == "ai.onnx" else domain


def _evaluator(
    node: Node, schema: OpSchema, inputs: Inputs
) -> tuple[ReferenceEvaluator, Sequence[str]]:
    """An evaluator of the one node, and the names of its inputs."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    domain, opset = _domain(node), node.integer("onnx_opset")
    places = _inputs(schema, inputs)
    connected = [port for port in places if port]
    infos = [onnx.helper.make_value_info(port, _type(inputs[port])) for port in connected]
    outputs = _outputs(node)
    made = onnx.helper.make_node(
        schema.name, places, outputs, node.name, domain=domain,
        **_attributes(node, schema, inputs),
    )  # fmt: skip
    kept = [onnx.ValueInfoProto(name=name) for name in outputs if name]
    graph = onnx.helper.make_graph([made], node.name, infos, kept)
    reason = ""
    for version in _versions(schema, opset):
        imports = {"": onnx.defs.onnx_opset_version(), domain: version}
        ids = [onnx.helper.make_opsetid(*entry) for entry in imports.items()]
        model = onnx.helper.make_model(graph, opset_imports=ids)
        try:
            return ReferenceEvaluator(model), connected
        except RuntimeError as error:
            if "No implementation" not in str(error):
                raise
            reason = str(error)
    raise node.error(reason)


def _versions(schema: OpSchema, opset: int) -> Iterator[int]:
    """The opset, and later ones that extend the operator: the reference leaves out old versions."""
    import onnx

    yield opset
    ports = [parameter.name for parameter in schema.inputs]
    for version in range(opset + 1, onnx.defs.onnx_opset_version() + 1 if not schema.domain else 0):
        later = onnx.defs.get_schema(schema.name, version, schema.domain)
        same = [parameter.name for parameter in later.inputs][: len(ports)] == ports
        if (
            later.since_version == version
            and same
            and schema.attributes.keys() <= set(later.attributes)
        ):
            yield version


def _inputs(schema: OpSchema, inputs: Inputs) -> list[str]:
    """The connected ports in the order of the schema; "" for one that is left out."""
    names: list[str] = []
    for parameter in schema.inputs:
        if parameter.option == parameter.option.Variadic:
            numbered = (f"{parameter.name}{i}" for i in range(len(inputs)))
            names += [port for port in numbered if port in inputs]
        else:
            names.append(parameter.name if parameter.name in inputs else "")
    while names and not names[-1]:
        names.pop()
    return names


def _outputs(node: Node) -> list[str]:
    """A name for each output up to the last one the node has; "" for one that it has not."""
    kept = node.integers("onnx_outputs", list(range(len(node.outputs))))
    return [f"y{i}" if i in kept else "" for i in range(max(kept) + 1)]


def _attributes(node: Node, schema: OpSchema, inputs: Inputs) -> Mapping[str, Any]:
    import onnx

    given = {name: value for name, value in node.attributes.items() if name in schema.attributes}
    tensors = {
        name: onnx.numpy_helper.from_array(array)
        for name, array in inputs.items()
        if name in schema.attributes
    }
    if schema.name == "GridSample":  # onnx's reference knows the names of opset 20 only
        mode = node.text("mode", "linear")
        given["mode"] = _MODES.get(mode, mode)
    if "seed" in schema.attributes:
        given.setdefault("seed", fresh_seed(node))
    typed = {n: _typed(cast("Any", schema.attributes[n].type), v) for n, v in given.items()}
    return typed | tensors


def _typed(kind: Any, value: Any) -> Any:
    """A value of the kind the schema says: a list may have lost it, and a type is spelled."""
    if kind.name == "FLOATS":
        return [float(number) for number in value]
    return parse_type(value) if kind.name == "TYPE_PROTO" else value


def parse_type(spelling: str) -> onnx.TypeProto:
    """A type from ONNX's spelling, `seq(tensor(float))` and the like, its shape left open."""
    import onnx

    outer, _, inner = spelling.removesuffix(")").partition("(")
    if outer == "seq":
        return onnx.helper.make_sequence_type_proto(parse_type(inner))
    if outer == "optional":
        return onnx.helper.make_optional_type_proto(parse_type(inner))
    number = onnx.TensorProto.DataType.Value(inner.upper())
    return onnx.helper.make_tensor_type_proto(number, None)


def _type(value: Any) -> onnx.TypeProto:
    """The type of an input; an empty sequence could be one of anything."""
    import onnx

    if isinstance(value, list):
        items = cast("list[Any]", value)
        element = _type(items[0]) if items else onnx.helper.make_tensor_type_proto(1, None)
        return onnx.helper.make_sequence_type_proto(element)
    array = cast("Array", value)
    if value is None:
        return onnx.helper.make_optional_type_proto(onnx.helper.make_tensor_type_proto(1, None))
    string = array.dtype.kind in "OUS"
    number = 8 if string else onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
    return onnx.helper.make_tensor_type_proto(number, array.shape)
