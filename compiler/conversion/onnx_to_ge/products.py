"""Matrix products: the rules for MatMul, Gemm and Einsum."""

from __future__ import annotations

from xdsl.ir import Attribute, SSAValue

from compiler.conversion.onnx_to_ge.checks import agree, broadcasts_onto, result_type
from compiler.conversion.onnx_to_ge.emitter import Emitter
from compiler.conversion.onnx_to_ge.values import boolean, integer, real, string
from dialects.types import shape_of

CACHE_NOTES: dict[str, Attribute] = {
    "fixed_shift_value": integer(42),
    "enable_uncache": integer(0),
}


def matmul(emit: Emitter) -> list[SSAValue]:
    """MatMul → BatchMatMulV2, for two-dimensional operands too."""
    attributes = {"adj_x1": boolean(False), "adj_x2": boolean(False), **CACHE_NOTES}
    return [emit.op("BatchMatMulV2", {"x1": emit.needed("A"), "x2": emit.needed("B")}, attributes)]


def gemm(emit: Emitter) -> list[SSAValue]:
    """Gemm → MatMulV2, with Muls where alpha or beta scale and Add where there is a C."""
    alpha, beta = emit.number("alpha"), emit.number("beta")
    addend = emit.input("C")
    _check_shapes(emit, addend)
    data = ("data0", "data1", "data2")
    if addend is None and alpha == 1.0:
        return [_product(emit, "")]
    if addend is None:
        emit.expand("data0", "data1", "MatMulV2", "Muls1")
        return [_scaled(emit, _product(emit, "MatMulV2"), alpha, "Muls1")]
    if alpha == beta == 1.0:
        emit.expand(*data, "MatMulV2", "add")
        product = _product(emit, "MatMulV2")
    else:
        emit.expand(*data, "MatMulV2", "Muls2", "Muls1", "add")
        product = _scaled(emit, _product(emit, "MatMulV2"), alpha, "Muls1")
        addend = _scaled(emit, addend, beta, "Muls2")
    return [emit.op("Add", {"x1": product, "x2": addend}, inner="add")]


def einsum(emit: Emitter) -> list[SSAValue]:
    """Einsum → Einsum."""
    inputs = [value for value in emit.inputs if value is not None]
    ports = {f"x{i}": value for i, value in enumerate(inputs)}
    equation = string(emit.node.text("equation") or "")
    return [emit.op("Einsum", ports, {"equation": equation, "N": integer(len(inputs))})]


def _check_shapes(emit: Emitter, addend: SSAValue | None) -> None:
    a, b = shape_of(emit.needed("A")), shape_of(emit.needed("B"))
    if len(a) != 2 or len(b) != 2:
        raise emit.fail(f"two matrices are needed, these are {list(a)} and {list(b)}")
    a = a[::-1] if emit.node.integer("transA") else a
    b = b[::-1] if emit.node.integer("transB") else b
    if not agree(a[1], b[0]):
        raise emit.fail(f"{list(a)} and {list(b)} cannot be multiplied")
    result = a[0], b[1]
    result_type(emit, result)
    if addend is not None and not broadcasts_onto(shape_of(addend), result):
        raise emit.fail(f"C {list(shape_of(addend))} does not broadcast to {list(result)}")


def _product(emit: Emitter, inner: str) -> SSAValue:
    attributes = {
        "transpose_x1": boolean(emit.node.integer("transA")),
        "transpose_x2": boolean(emit.node.integer("transB")),
        **CACHE_NOTES,
    }
    inputs = {"x1": emit.needed("A"), "x2": emit.needed("B")}
    return emit.op("MatMulV2", inputs, attributes, inner=inner)


def _scaled(emit: Emitter, value: SSAValue, factor: float, inner: str) -> SSAValue:
    return emit.op("Muls", {"x": value}, {"value": real(factor)}, inner=inner, results=[value.type])
