"""Files that we would not write as they are come back byte for byte, straight and through text."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from compiler.context import context
from compiler.errors import UserError
from compiler.frontends.om import import_om
from compiler.om.attributes import ListKind, TypedList, set_attribute
from compiler.om.buffers import Held, joined_bytes
from compiler.om.encode import encode_message
from compiler.om.ge_ir_pb2 import DT_FLOAT, DT_STRING, GraphDef, ModelDef, OpDef, TensorDescriptor
from compiler.om.header import ModelFileHeader
from compiler.om.kernels import Kernel, encode_kernels
from compiler.om.model_reader import read_model
from compiler.om.partitions import PartitionType
from compiler.om.task_pb2 import ModelTaskDef, TaskDef
from compiler.om.writer import Partition, lay_out_file
from compiler.targets.om import OMTarget
from compiler.targets.text import text_of
from dialects.ge import ConstOp
from dialects.om import ModelOp

Parts = Sequence[tuple[int, bytes]]

WEIGHTS = bytes(512) + bytes(range(48)) + bytes(464)


def decompiled(data: bytes, folder: Path) -> ModuleOp:
    """The module of a file that has these bytes."""
    source = folder / "foreign.om"
    source.write_bytes(data)
    module = import_om(str(source))
    module.verify()
    return module


def written(module: ModuleOp, folder: Path) -> bytes:
    """The file that a module becomes."""
    OMTarget(str(folder / "again")).emit(context(), module, io.StringIO())
    return (folder / "again.om").read_bytes()


def parsed(text: str) -> ModuleOp:
    """A module from its text."""
    module = Parser(context(), text).parse_module()
    module.verify()
    return module


def om(*tables: Parts, trailing: bytes = b"", **header: Any) -> bytes:
    """A file of any tables behind a header with any fields."""
    header.setdefault("model_num", len(tables))
    head = ModelFileHeader(**header)
    models = [[Partition(kind, Held(body)) for kind, body in table] for table in tables]
    blob = lay_out_file(head, models, Held(trailing) if trailing else None)
    return joined_bytes(blob.chunks())


def static_parts(
    model: ModelDef | None = None, weights: bytes = WEIGHTS
) -> list[tuple[int, bytes]]:
    """The partitions of a static model as GraphEngine orders them."""
    return [
        (PartitionType.MODEL_DEF, encode_message(model or graph_engine_model())),
        (PartitionType.WEIGHTS_DATA, weights),
        (PartitionType.TBE_KERNELS, encode_kernels([Kernel("b", b"22"), Kernel("a", b"1")])),
        (PartitionType.TASK_INFO, encode_message(ModelTaskDef(version="v1", stream_num=2))),
    ]


def graph_engine_model(name: str = "net") -> ModelDef:
    """A graph as GraphEngine has it: descriptors, lists and names that we would not write."""
    model = ModelDef(name=name, version=2, custom_version="1.11.z.0")
    for key, value in {"memory_size": 4096, "weight_size": len(WEIGHTS), "stream_num": 2}.items():
        set_attribute(model.attr[key], value)
    graph = model.graph.add(name=name, input=["x:0"])
    op(graph.op.add(name="out", type="NetOutput", id=3, input=["add:0"]), 1, 0)
    op(graph.op.add(name="x", type="Data", id=0, input=[""]), 1, 1)
    const = op(graph.op.add(name="w", type="Const", id=1, output_i=[512]), 0, 1)
    value_of(const).desc.data_offset = 512
    add = op(graph.op.add(name="add", type="Add", id=2, input=["x:0", "w:0", "x:-1"]), 2, 1)
    add.is_input_const.extend([False, True])
    add.input_desc[1].data_offset = 512
    add.workspace.append(1024)
    add.workspace_bytes.append(64)
    set_attribute(add.attr["_opt_input"], TypedList(ListKind.NONE, ("z",)))
    set_attribute(add.attr["nested"], TensorDescriptor(layout="ND"))
    set_attribute(add.attr["raw"], b"\x00\xff")
    set_attribute(add.attr["placement"], "a name that is ours in the IR")
    return model


def value_of(const: OpDef):
    """The tensor of a Const, whose bytes are in the weight partition."""
    tensor = const.attr["value"].t
    tensor.desc.CopyFrom(descriptor("ND"))
    tensor.desc.weight_size = 48
    return tensor


def op(message: OpDef, inputs: int, outputs: int) -> OpDef:
    """An operator with descriptors."""
    message.has_out_attr = True
    message.input_desc.extend(descriptor("NCHW") for _ in range(inputs))
    message.output_desc.extend(descriptor("FRACTAL_NZ") for _ in range(outputs))
    return message


def descriptor(layout: str) -> TensorDescriptor:
    """A tensor of a format of the device, with its size padded."""
    desc = TensorDescriptor(dtype=DT_FLOAT, layout=layout, size=96, real_dim_cnt=2)
    desc.shape.dim.extend([4, 3])
    set_attribute(desc.attr["_inner_offset"], 7)
    set_attribute(desc.attr["origin_shape"], [3, 4])
    return desc


def bundle(models: Sequence[bytes], var_size: int | None, **header: Any) -> bytes:
    """A bundle as the format page has it, packed by hand."""
    entries = [(25, struct.pack("<Q", var_size))] if var_size is not None else []
    entries += [(24, model) for model in models]
    size = 256 + 8 + 24 * len(entries) + sum(len(body) for _, body in entries)
    zero = {"magic": 0, "headsize": 0, "version": 0, "modeltype": 5}
    told = {**zero, "model_num": len(models), "model_length": size, **header}
    head = ModelFileHeader(**cast(Any, told)).pack()
    table, offset = struct.pack("<I4x", len(entries)), 8 + 24 * len(entries)
    for kind, body in entries:
        table += struct.pack("<I4xQQ", kind, offset, len(body))
        offset += len(body)
    return head + table + b"".join(body for _, body in entries)


def edited(edit: Callable[[ModelDef], object]) -> bytes:
    """A static model after a change to its graph."""
    model = graph_engine_model()
    edit(model)
    return om(static_parts(model))


def inline(model: ModelDef) -> None:
    tensor = model.graph[0].op[2].attr["value"].t
    tensor.data = bytes(range(48))
    tensor.desc.data_offset = 0


def inline_strings(model: ModelDef) -> None:
    tensor = model.graph[0].op[2].attr["value"].t
    tensor.data = b"some bytes"
    tensor.desc.dtype = DT_STRING


def another_offset(model: ModelDef) -> None:
    model.graph[0].op[2].output_i[:] = [7]


def unknown_fields(model: ModelDef) -> None:
    for message in (
        model,
        model.graph[0],
        model.graph[0].op[3],
        model.graph[0].op[3].input_desc[1],
    ):
        message.MergeFromString(b"\xfa\x3e\x03new")


def subgraphs(model: ModelDef) -> None:
    """Graphs in another order than their owners; one of two owners, one that owns itself."""
    for number, name in enumerate(("second", "first")):
        inner = model.graph.add(name=name)
        op(inner.op.add(name=f"x{number}", type="Data", id=9, input=[""]), 1, 1)
        own = inner.op.add(name="own", type="PartitionedCall", id=10, subgraph_name=[name])
        op(own, 0, 0)
    model.graph[0].op[1].subgraph_name.append("first")
    model.graph[0].op[3].subgraph_name.extend(["second", "first"])


def odd_ports(model: ModelDef) -> None:
    add = model.graph[0].op[3]
    for key, value in (("_input_name_key", ("a b", "c")), ("_input_name_value", (0, 1))):
        set_attribute(add.attr[key], TypedList(ListKind.NONE, value))


def unknown_type(model: ModelDef) -> None:
    model.graph[0].op[1].output_desc[0].dtype = 99  # pyright: ignore[reportAttributeAccessIssue]


def bare_file_constant(model: ModelDef) -> None:
    node = model.graph[0].op.add(name="f", type="FileConstant", id=8)
    op(node, 0, 1)
    set_attribute(node.attr["file_id"], "abc")


def own_names(model: ModelDef) -> None:
    for holder in (model.graph[0], model.graph[0].op[3]):
        set_attribute(holder.attr["om.fields"], "not ours")
        set_attribute(holder.attr["om.order"], [1, 2])


def malformed(model: ModelDef) -> None:
    """Sizes beyond all memory, a selector of gears that is none, a coded name without tables."""
    data, add = model.graph[0].op[1], model.graph[0].op[3]
    add.output_desc[0].shape.dim[:] = [1 << 62, 1 << 62]
    data.name, model.graph[0].input[0] = "ascend_mbatch_shape_data", "ascend_mbatch_shape_data:0"
    add.input[0] = "ascend_mbatch_shape_data:0"
    add.input[2] = "ascend_mbatch_shape_data:-1"
    set_attribute(data.attr["mbatch_dynamic_type"], 9)
    set_attribute(add.attr["\0\1"], 3)
    set_attribute(add.attr["rows"], [[1], []])
    model.custom_version = "longer than there is room for in a header"


def plain_constant(model: ModelDef) -> None:
    """A type that is not Const keeps its value as an attribute."""
    model.graph[0].op[2].type = "Constant"


GRAPHS: dict[str, Callable[[ModelDef], object]] = {
    "as GraphEngine has it": lambda model: None,
    "a constant in the graph": inline,
    "strings in the graph": inline_strings,
    "a constant whose memory is elsewhere": another_offset,
    "fields of a newer schema": unknown_fields,
    "graphs of several owners": subgraphs,
    "ports with odd names": odd_ports,
    "a data type nobody knows": unknown_type,
    "a FileConstant of an id": bare_file_constant,
    "attributes called as ours": own_names,
    "Constant": plain_constant,
    "what makes no sense": malformed,
    "no version": lambda model: model.ClearField("version"),
    "another name": lambda model: setattr(model, "name", ""),
    "sizes that are not so": lambda m: set_attribute(m.attr["om_info_list"], [1, 2]),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs(name: str, tmp_path: Path):
    check_comes_back(edited(GRAPHS[name]), tmp_path)


def check_comes_back(data: bytes, folder: Path) -> None:
    module = decompiled(data, folder)
    assert written(module, folder) == data
    assert written(parsed(text_of(module)), folder) == data


PARTS = static_parts()
MORE = [
    (PartitionType.SO_BINS, struct.pack("<IIHHII", 1, 0x5D776EFD, 1, 0, 0, 2) + b"sxx"),
    (PartitionType.CUSTOM_OPS, b"custom"),
    (PartitionType.TILING_DATA, struct.pack("<III", 0xDD776EFE, 2, 1) + b"x"),
    (PartitionType.MODEL_INOUT_INFO, b""),
]
AI_CPU = [(PartitionType.CUST_AICPU_KERNELS, encode_kernels([Kernel("mine", b"code")]))]
NO_TEXT = encode_kernels([Kernel("\udce4", b"1")])
DIRTY = WEIGHTS[:20] + b"dirty" + WEIGHTS[25:]
TASKS = ModelTaskDef(task=[TaskDef(id=7, type=1, event_id=3), TaskDef(id=1, type=99)])

FILES = {
    "static": om(PARTS),
    "32-bit table": om(PARTS, length=1),
    "an old version": om(PARTS, version=0x10000000),
    "a header with every field": om(
        PARTS,
        name=b"\xff\xfe",
        checksum=b"sum",
        genmode=1,
        om_ir_version=9,
        platform_type=1,
        need_check_os_cpu_info=1,
        userdefineinfo=b"mine",
        platform_version=b"0x1",
        ops=3,
    ),
    "all kinds of partitions": om([*MORE[:3], *PARTS[:3], *AI_CPU, *PARTS[3:]]),
    "an empty partition": om([MORE[3], *PARTS]),
    "another order": om(PARTS[::-1]),
    "an unknown partition": om([*PARTS, (77, b"what")]),
    "one partition": om(static_parts(ModelDef(name="m", graph=[GraphDef(name="g")]))[:1]),
    "no tasks": om(PARTS[:3]),
    "other tasks": om([*PARTS[:3], (PartitionType.TASK_INFO, encode_message(TASKS))]),
    "a damaged kernel store": om([*PARTS[:2], (PartitionType.TBE_KERNELS, b"x" * 40), *PARTS[3:]]),
    "a kernel whose name is no text": om(
        [
            *PARTS[:2],
            (PartitionType.TBE_KERNELS, encode_kernels([Kernel("\udce4", b"1")])),
            PARTS[3],
        ]
    ),
    "weights with more in them": om(static_parts(weights=DIRTY)),
    "bytes behind the partitions": om(PARTS, trailing=b"more"),
    "three models": om(
        PARTS, static_parts(graph_engine_model("sub_1")), PARTS, is_unknow_model=1, name=b"root"
    ),
    "a flow": om([PARTS[0], (6, b"flow"), (7, b"one"), (7, b"two")], modeltype=3, model_num=1),
    "a bundle": bundle([om(PARTS), om(PARTS, name=b"second")], 4096),
    "an older bundle": bundle([om(PARTS), om(PARTS)], None),
    "a bundle with a magic": bundle([om(PARTS)], 0, magic=0x444F4D49, headsize=256),
}


@pytest.mark.parametrize("name", FILES)
def test_files(name: str, tmp_path: Path):
    check_comes_back(FILES[name], tmp_path)


def test_what_cannot_be_kept_is_not_written(tmp_path: Path):
    module = decompiled(bundle([om(PARTS)], 0) + b"more", tmp_path)
    with pytest.raises(UserError, match="also has 4 bytes behind its models"):
        written(module, tmp_path)
    second = graph_engine_model()
    second.graph.add(name="net").CopyFrom(second.graph[0])
    with pytest.raises(UserError, match="also has a second graph 'net'"):
        written(decompiled(om(static_parts(second)), tmp_path), tmp_path)


def test_a_change_is_written_beside_what_is_kept(tmp_path: Path):
    module = decompiled(FILES["weights with more in them"], tmp_path)
    text = text_of(module).replace("stream_num = 2 : i64", "stream_num = 5 : i64")
    (tmp_path / "new.om").write_bytes(written(parsed(text), tmp_path))
    model = read_model(tmp_path / "new.om").root
    assert model.model_def.attr["stream_num"].i == 5
    assert model.weights == DIRTY
    assert model.model_def.graph == graph_engine_model().graph


def test_a_constant_is_not_exchanged_behind_a_kept_partition(tmp_path: Path):
    module = decompiled(FILES["weights with more in them"], tmp_path)
    (const,) = (op for op in module.walk() if isinstance(op, ConstOp))
    text = text_of(module).replace(str(const.value), "dense<1.0> : tensor<4x3xf32>")
    with pytest.raises(UserError, match="constant 'w' is not what is at its place"):
        written(parsed(text), tmp_path)


def test_further_models_are_models_inside(tmp_path: Path):
    (model,) = decompiled(FILES["three models"], tmp_path).body.block.ops
    assert isinstance(model, ModelOp)
    assert [inner.label for inner in model.submodels] == ["sub_1", "net"]
