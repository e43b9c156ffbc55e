"""The schema table says what onnx.defs says, which it was generated from."""

from __future__ import annotations

import runpy
import struct
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx.defs import OpSchema

from dialects.onnx import OPERATORS
from dialects.onnx.schema import (
    Default,
    Parameter,
    operator_name,
    operators,
    schema,
    since_versions,
    split_operator,
)

ROOT = Path(__file__).parents[3]
TABLES = [ROOT / "dialects" / "onnx" / name for name in ("operators.csv", "type_sets.csv")]
ALL = onnx.defs.get_all_schemas_with_history()
OPTION = OpSchema.FormalParameterOption

made_from_this_onnx = pytest.mark.skipif(
    f"onnx {onnx.__version__}\n" not in TABLES[0].read_text(),
    reason="the table was made from another onnx",
)


def described(parameter: OpSchema.FormalParameter) -> Parameter:
    variadic = parameter.option == OPTION.Variadic
    return Parameter(
        parameter.name,
        parameter.type_str,
        parameter.option == OPTION.Optional,
        variadic,
        parameter.min_arity if variadic else 1,
        parameter.is_homogeneous if variadic else True,
    )


def same_default(ours: Default | None, theirs: onnx.AttributeProto) -> bool:
    if theirs.type == onnx.AttributeProto.UNDEFINED:
        return ours is None
    value = onnx.helper.get_attribute_value(theirs)
    if theirs.type == onnx.AttributeProto.STRINGS:
        value = [text.decode() for text in theirs.strings]
    if isinstance(value, float):
        return struct.pack("<f", ours) == struct.pack("<f", value)
    return ours == (value.decode() if isinstance(value, bytes) else value)


@made_from_this_onnx
@pytest.mark.parametrize("theirs", ALL, ids=lambda s: f"{s.domain}.{s.name}-{s.since_version}")
def test_agrees_with_onnx(theirs: OpSchema):
    ours = schema(operator_name(theirs.domain, theirs.name), theirs.since_version)
    assert ours is not None
    assert (ours.since, ours.deprecated) == (theirs.since_version, theirs.deprecated)
    assert ours.inputs == tuple(map(described, theirs.inputs))
    assert ours.outputs == tuple(map(described, theirs.outputs))
    assert {name: (a.kind, a.required) for name, a in ours.attributes.items()} == {
        name: (str(a.type).removeprefix("AttrType."), a.required)
        for name, a in theirs.attributes.items()
    }
    for name, attribute in theirs.attributes.items():
        assert same_default(ours.attributes[name].default, attribute.default_value), name
    assert dict(ours.types) == {
        c.type_param_str: frozenset(t.replace(" ", "") for t in c.allowed_type_strs)
        for c in theirs.type_constraints
    }


@made_from_this_onnx
def test_has_every_operator():
    assert set(operators()) == {operator_name(s.domain, s.name) for s in ALL}
    for operator in operators():
        domain, name = split_operator(operator)
        versions = {s.since_version for s in ALL if operator_name(s.domain, s.name) == operator}
        assert since_versions(operator) == tuple(sorted(versions))
        assert operator_name(domain, name) == operator


@made_from_this_onnx
def test_regenerating_gives_the_committed_tables():
    generated = runpy.run_path(str(ROOT / "tools" / "generate_onnx_dialect.py"))["generate"]()
    assert {path: path.read_text() for path in TABLES} == generated


@pytest.mark.parametrize(
    ("opset", "since"), [(1, 1), (10, 1), (11, 11), (12, 11), (13, 13), (17, 13)]
)
def test_the_newest_schema_up_to_the_opset_is_in_force(opset: int, since: int):
    found = schema("Unsqueeze", opset)
    assert found is not None
    assert found.since == since


def test_an_operator_does_not_exist_before_its_first_opset():
    assert schema("Gelu", 19) is None
    assert schema("NoSuchOperator") is None


def test_each_operator_has_a_class():
    assert set(OPERATORS) == set(operators())
    assert OPERATORS["Conv"].name == "onnx.Conv"
    assert OPERATORS["ai.onnx.ml.Normalizer"].name == "onnx.ml.Normalizer"
    assert OPERATORS["ai.onnx.preview.training.Adam"].name == "onnx.preview.training.Adam"
    assert len({kind.name for kind in OPERATORS.values()}) == len(OPERATORS)


def test_the_dialect_loads_neither_onnx_nor_numpy():
    code = "import sys, dialects.onnx; print([m for m in ('onnx', 'numpy') if m in sys.modules])"
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.strip() == "[]"
