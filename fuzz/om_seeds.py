"""Small offline models of every form: those the compiler writes, and those it only reads."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from onnx import parser

from compiler.atc import main as atc
from compiler.context import context
from compiler.frontends.onnx import import_model
from compiler.om.attributes import set_attribute
from compiler.om.buffers import Held, joined_bytes
from compiler.om.encode import encode_message
from compiler.om.ge_ir_pb2 import AttrDef, ModelDef
from compiler.om.header import ModelFileHeader, ModelType, unpack_header
from compiler.om.model_reader import read_model
from compiler.om.partitions import PartitionType
from compiler.om.writer import Partition, lay_out_bundle, lay_out_file
from compiler.pipelines import OfflinePass
from compiler.targets.om import OMTarget

DENSE = """(float[2,4] x) => (float[2,3] y)
  <float[4,3] w = {1,2,3,4,5,6,7,8,9,10,11,12}, float[3] b = {1,2,3}>
  { [product] h = MatMul(x, w) [sum] y = Add(h, b) }"""
LONG = f"""(float[300] x) => (float[300] y)
  <float[300] w = {{{",".join(map(str, range(300)))}}}> {{ [sum] y = Add(x, w) }}"""
OPEN = "(float[n,4] x) => (float[n,4] y) { [one] h = Relu(x) [two] y = Add(h, x) }"
BRANCH = """(float[2] x, bool b) => (float[2] y) { [if] y = If(b) <
  then_branch=t () => (float[2] p) { [neg] p = Neg(x) },
  else_branch=e () => (float[2] q) { [abs] q = Abs(x) }> }"""
LOOP = """(float[2] x, int64 n, bool c) => (float[2] y) { [loop] y = Loop(n, c, x) <
  body=l (int64 i, bool k, float[2] s) => (bool m, float[2] t)
  { m = Identity(k) [grow] t = Add(s, x) }> }"""
TYPES = """(float[2,3] x) => (float16[2,3] z, bool[2,3] b)
  { [half] z = Cast<to=10>(x) [order] b = Greater(x, x) }"""
TEXT = """(string[n] s) => (bool[n] y)
  { c = Constant<value=string[1] {"a"}>() [same] y = Equal(s, c) }"""


@dataclass(frozen=True)
class Compiled:
    """A model to compile, and how."""

    text: str
    options: dict[str, Any] = field(default_factory=dict[str, Any])


ORIGIN: dict[str, Any] = {"precision": "must_keep_origin_dtype"}
COMPILED = {
    "plain": Compiled(DENSE, ORIGIN),
    "external": Compiled(DENSE, ORIGIN | {"external_weight": 1, "model": "external"}),
    "combined": Compiled(DENSE, ORIGIN | {"external_weight": 2, "model": "combined"}),
    "referring": Compiled(LONG, ORIGIN | {"external_weight": "reference"}),
    "refreshed": Compiled(DENSE, ORIGIN | {"refresh": ("w",)}),
    "open": Compiled(OPEN),
    "branch": Compiled(BRANCH),
    "loop": Compiled(LOOP),
    "types": Compiled(TYPES),
    "text": Compiled(TEXT),
}

Parts = list[Partition]


def om_seeds(folder: Path) -> list[bytes]:
    """The files; their weight files are in the folder, as are the models they were made of."""
    made = {name: _compile(name, compiled, folder) for name, compiled in COMPILED.items()}
    made["gears"] = _gears(folder)
    plain = made["plain"]
    made |= {
        "tiny": _again(plain, lambda header: replace(header, model_length=0, length=1)),
        "coded": _with_model(plain, _code),
        "pieces": _again(made["open"], lambda header: replace(header, model_num=2), times=2),
        "flow": _again(plain, lambda header: replace(header, modeltype=ModelType.FLOW)),
        "silent": _without(plain, PartitionType.MODEL_INOUT_INFO),
        "pair": joined_bytes(
            lay_out_bundle(512, [Held(made["open"]), Held(made["text"])]).chunks()
        ),
    }
    return [*made.values(), plain[:300], b""]


def _save(name: str, text: str, folder: Path) -> Path:
    header = '<ir_version: 8, opset_import: ["": 19]> g '
    path = folder / f"{name}.onnx"
    path.write_bytes(parser.parse_model(header + text).SerializeToString())
    return path


def _compile(name: str, compiled: Compiled, folder: Path) -> bytes:
    module = import_model(str(_save(name, compiled.text, folder)))
    OfflinePass(**compiled.options).apply(context(), module)
    OMTarget(str(folder / name)).emit(context(), module, io.StringIO())
    return (folder / f"{name}.om").read_bytes()


def _gears(folder: Path) -> bytes:
    """A model for two sizes of its batch."""
    path = _save("gears", OPEN, folder)
    options = ["--framework=5", "--soc_version=Ascend910B4", "--dynamic_batch_size=1,2"]
    with redirect_stdout(io.StringIO()) as said, redirect_stderr(io.StringIO()):
        code = atc(
            [*options, f"--model={path}", f"--output={folder}/gears", "--input_shape=x:-1,4"]
        )
    assert code == 0, said.getvalue()
    return (folder / "gears.om").read_bytes()


def parts_of(om: bytes) -> list[Parts]:
    """The partitions of each model of a file."""
    models = read_model(om, check=False).submodels
    return [
        [Partition(e.type, Held(bytes(b))) for e, b in zip(m.table, m.bodies, strict=True)]
        for m in models
    ]


def laid_out(header: ModelFileHeader, models: Iterable[Parts]) -> bytes:
    """The file of such partitions."""
    return joined_bytes(lay_out_file(header, models).chunks())


def _again(
    om: bytes, change: Callable[[ModelFileHeader], ModelFileHeader], times: int = 1
) -> bytes:
    return laid_out(change(unpack_header(om)), parts_of(om) * times)


def _without(om: bytes, type_: PartitionType) -> bytes:
    models = [[part for part in parts if part.type != type_] for parts in parts_of(om)]
    return laid_out(unpack_header(om), models)


def _with_model(om: bytes, change: Callable[[ModelDef], None]) -> bytes:
    [parts] = parts_of(om)
    kept = [part for part in parts if part.type != PartitionType.MODEL_DEF]
    model = ModelDef.FromString(b"".join(p.body.data for p in parts if p not in kept))  # pyright: ignore
    change(model)
    return laid_out(
        unpack_header(om),
        [[*kept, Partition(PartitionType.MODEL_DEF, Held(encode_message(model)))]],
    )


def _code(model: ModelDef) -> None:
    """Replaces the names of operators' attributes, and their strings, by indices into tables."""
    ops = [op for graph in model.graph for op in graph.op]
    names = sorted({name for op in ops for name in op.attr})
    uses = [all(op.attr[n].HasField("s") for op in ops if n in op.attr) for n in names]
    values: list[bytes] = []
    for op in ops:
        for name in sorted(op.attr):
            attr = AttrDef()
            attr.CopyFrom(op.attr[name])
            if uses[names.index(name)]:
                values.append(attr.s)
                attr.i = len(values) - 1
            del op.attr[name]
            op.attr[f"\0{chr(names.index(name) + 1)}"].CopyFrom(attr)
    set_attribute(model.attr["om_compress_version"], 1)
    set_attribute(model.attr["attr_name_enum"], names)
    set_attribute(model.attr["attrs_use_string_value"], uses)
    listed = model.attr["attr_value_enum"].list
    listed.val_type = AttrDef.ListValue.VT_LIST_STRING
    listed.s.extend(values or [b""])
