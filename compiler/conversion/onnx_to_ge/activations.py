"""Activations and element-wise operators whose form depends on their attributes."""

from __future__ import annotations

from typing import cast

from xdsl.dialects.builtin import i1, i32
from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import data_type, integer, integers, rank_of, real
from dialects.types import AnyTensor, element_name, shape_of, tensor_like

SELU = {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}
"""What GraphEngine's Selu has built in."""


def selu(emit: Emitter) -> list[SSAValue]:
    """Selu → Selu; other numbers than its own are attributes of ours."""
    given = {name: emit.node.number(name) for name in SELU}
    attributes: dict[str, Attribute] = {
        name: real(value)
        for name, value in given.items()
        if value is not None and abs(value - SELU[name]) > 1e-4
    }
    x = emit.needed("X")
    return [emit.op("Selu", {"x": x}, attributes, results=[x.type])]


def thresholded_relu(emit: Emitter) -> list[SSAValue]:
    """ThresholdedRelu → x times what Threshold says of it."""
    emit.expand("data1", "identity", "threshold", "mul")
    x = emit.needed("X")
    x = emit.op("Identity", {"x": x}, inner="identity", results=[x.type])
    limit = {"threshold": real(emit.number("alpha"))}
    mask = emit.op("Threshold", {"x": x}, limit, inner="threshold", results=[x.type])
    return [emit.op("Mul", {"x1": x, "x2": mask}, inner="mul", results=[x.type])]


def softmax(emit: Emitter) -> list[SSAValue]:
    """Softmax → SoftmaxV2. Before opset 13 ONNX normalises over all axes from `axis` on."""
    hint = {"need_fusion": integer(1)} if (emit.node.opset or 13) < 13 else {}
    attributes = {"axes": integers(axes_from(emit)), **hint}
    return [emit.op("SoftmaxV2", {"x": emit.needed("input")}, attributes)]


def axes_from(emit: Emitter) -> list[int]:
    """The axes that an operator takes together: `axis`, and before opset 13 all that follow."""
    axis = emit.integer("axis")
    if (emit.node.opset or 13) >= 13:
        return [axis]
    x = emit.needed("input")
    rank = max(rank_of(x), 1)
    if not -rank <= axis < rank:
        raise emit.fail(f"axis {axis} is not one of a tensor of rank {rank_of(x)}")
    start = axis % rank
    return [start, *(i for i in range(start + 1, rank_of(x)) if shape_of(x)[i] != 1)]


def log_softmax(emit: Emitter) -> list[SSAValue]:
    """LogSoftmax → LogSoftmaxV2. Before opset 13 ONNX normalises over all axes from `axis` on."""
    axes = {"axes": integers(axes_from(emit))}
    return [emit.op("LogSoftmaxV2", {"logits": emit.needed("input")}, axes)]


def hardmax(emit: Emitter) -> list[SSAValue]:
    """Hardmax → HardMax; all axes from `axis` on, as before opset 13, are an attribute of ours."""
    axes = axes_from(emit)
    attributes: dict[str, Attribute] = {"axis": integer(axes[0])}
    if len(axes) > 1:
        attributes["axes"] = integers(axes)
    return [emit.op("HardMax", {"x": emit.needed("input")}, attributes)]


def is_inf(emit: Emitter) -> list[SSAValue]:
    """IsInf → IsInf; a sign that does not count is an attribute of ours."""
    attributes: dict[str, Attribute] = {
        name: integer(0)
        for name in ("detect_negative", "detect_positive")
        if emit.node.integer(name) == 0
    }
    return [emit.op("IsInf", {"x": emit.needed("X")}, attributes)]


def mod(emit: Emitter) -> list[SSAValue]:
    """Mod → Mod, the sign that of the dividend.

    `fmod`=0 is an attribute of ours where it matters: the sign is that of the divisor.
    """
    a, b = emit.needed("A"), emit.needed("B")
    by_divisor = not emit.node.integer("fmod") and not _is_unsigned(a)
    return [emit.op("Mod", {"x1": a, "x2": b}, {"fmod": integer(0)} if by_divisor else {})]


def _is_unsigned(x: SSAValue) -> bool:
    name = element_name(cast(AnyTensor, x.type).element_type)
    return name is not None and name.startswith("ui")


def bit_shift(emit: Emitter) -> list[SSAValue]:
    """BitShift → RightShift or LeftShift."""
    type = "RightShift" if emit.node.text("direction") == "RIGHT" else "LeftShift"
    return [emit.op(type, {"x": emit.needed("X"), "y": emit.needed("Y")})]


def xor(emit: Emitter) -> list[SSAValue]:
    """Xor → BitwiseXor in int32."""
    if emit.has("broadcast") and emit.node.integer("broadcast"):
        raise emit.no_form("has a broadcast along an axis")
    emit.expand("data0", "data1", "Cast_a", "Cast_b", "Xor", "Cast_out")
    a = _to_integers(emit, emit.needed("A"), "Cast_a")
    b = _to_integers(emit, emit.needed("B"), "Cast_b")
    wide = [tensor_like(cast(AnyTensor, emit.result_types[0]), i32)]
    y = emit.op("BitwiseXor", {"x1": a, "x2": b}, inner="Xor", results=wide)
    return [emit.op("Cast", {"x": y}, {"dst_type": data_type(i1)}, inner="Cast_out")]


def _to_integers(emit: Emitter, x: SSAValue, inner: str) -> SSAValue:
    results = [tensor_like(cast(AnyTensor, x.type), i32)]
    return emit.op("Cast", {"x": x}, {"dst_type": data_type(i32)}, inner=inner, results=results)


def swiglu(emit: Emitter) -> list[SSAValue]:
    """SwiGLU → Swish of the gate times the value."""
    emit.expand("data0", "data1", "Swish", "Mul")
    gate, value = emit.needed("A"), emit.needed("B")
    scale = {"scale": real(emit.number("alpha"))}
    gate = emit.op("Swish", {"x": gate}, scale, inner="Swish", results=[gate.type])
    return [emit.op("Mul", {"x1": gate, "x2": value}, inner="Mul")]
