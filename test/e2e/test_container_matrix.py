# pyright: reportUnknownMemberType=false
"""Offline models with something unusual about each: what ascend-opt and the device say.

The numbers are those of the probe files that GraphEngine's own loader was run on, and so are the
verdicts: what it loads is accepted, what it refuses ends in one line. Where we differ, the row says
why. (onnx's helpers take values of any type, which strict typing does not know.)
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import helper, numpy_helper

from compiler.cli import main as ascend_opt
from compiler.om.attributes import ListKind, TypedList, set_attribute
from compiler.om.buffers import Held, joined_bytes
from compiler.om.encode import encode_message
from compiler.om.ge_ir_pb2 import AttrDef, ModelDef, OpDef
from compiler.om.header import HEADER_SIZE, unpack_header
from compiler.om.model_reader import read_model
from compiler.om.partitions import PartitionType as P
from compiler.om.writer import Partition, lay_out_file, pack_bundle
from runtime.acl import DEFAULT_SOC, build

W = np.arange(12, dtype=np.float32).reshape(4, 3)
B = np.array([1, 2, 3], np.float32)
X = np.arange(8, dtype=np.float32).reshape(2, 4)

PARAM, SIZE, FAILURE = 145000, 145006, 500002
"""What ACL hands on of GraphEngine's codes; all others become 500002."""


class Draft:
    """A file to be changed: its header, its partitions and the message of its graphs."""

    def __init__(self, om: bytes) -> None:
        self.om = om
        self.header = unpack_header(om)
        root = read_model(om).root
        self.parts = {e.type: bytes(b) for e, b in zip(root.table, root.bodies, strict=True)}
        self.original = self.parts[P.MODEL_DEF]
        self.model = ModelDef.FromString(self.original)
        self.models = 1

    def op(self, name: str) -> OpDef:
        """The operator whose name begins so."""
        return next(op for op in self.model.graph[0].op if op.name.startswith(name))

    def add(self, name: str, type: str, **attributes: Any) -> OpDef:
        """Another operator, which no task runs."""
        op = self.model.graph[0].op.add(name=name, type=type, has_out_attr=True, id=90)
        op.output_desc.add(dtype=1, layout="ND").shape.dim.extend([3])
        for key, value in attributes.items():
            set_attribute(op.attr[key], value)
        return op

    def pack(self) -> bytes:
        """The file."""
        if self.parts.get(P.MODEL_DEF) == self.original:
            self.parts[P.MODEL_DEF] = encode_message(self.model)
        rows = [Partition(type, Held(data)) for type, data in self.parts.items()]
        return joined_bytes(lay_out_file(self.header, [rows] * self.models).chunks())


Change = Callable[[Draft], object]
Patch = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Row:
    """What is done to the parts of a file, then to its bytes; what is said, and if it runs."""

    words: str
    change: Change = lambda draft: None
    patch: Patch = lambda om: om
    fault: str = ""
    code: int = 0
    runs: bool = True
    opt_fault: str | None = None
    """Where ascend-opt says something else than the device."""
    plain: bool = True
    """Whether what nobody reads is zero, so that the file is written again byte for byte."""

    @property
    def said(self) -> str:
        """What ascend-opt says."""
        return self.fault if self.opt_fault is None else self.opt_fault


def patched(offset: int, data: bytes) -> Patch:
    return lambda om: om[:offset] + data + om[offset + len(data) :]


def counted(om: bytes) -> bytes:
    """A byte more at the end that the header knows of."""
    return patched(184, struct.pack("<Q", len(om) - HEADER_SIZE + 1))(om) + b"x"


def with_header(**fields: Any) -> Change:
    return lambda draft: setattr(draft, "header", replace(draft.header, **fields))


def with_part(type: int, data: bytes) -> Change:
    return lambda draft: draft.parts.update({type: data})


def without(*types: int) -> Change:
    return lambda draft: [draft.parts.pop(type) for type in types]


def with_attribute(name: str, **value: Any) -> Change:
    return lambda draft: draft.op("mm").attr[name].MergeFrom(AttrDef(**value))


def nine_parts(draft: Draft) -> None:
    draft.parts |= dict.fromkeys((9, 10, 11, 20), b"x")


def inline(draft: Draft) -> None:
    """The constants in the message, and other bytes in their places in the weight partition."""
    draft.parts[P.WEIGHTS_DATA] = b"\1" * len(draft.parts[P.WEIGHTS_DATA])
    for name, data in (("w_", W), ("b_", B)):
        draft.op(name).attr["value"].t.data = data.tobytes()


def alone(draft: Draft) -> None:
    inline(draft)
    without(*(type for type in draft.parts if type != P.MODEL_DEF))(draft)


def no_weights(draft: Draft) -> None:
    inline(draft)
    without(P.WEIGHTS_DATA)(draft)


def output_shape(*dims: int) -> Change:
    """The NetOutput says so, and with it the summary."""

    def change(draft: Draft) -> None:
        draft.op("Node_Output").input_desc[0].shape.dim[:] = dims
        without(P.MODEL_INOUT_INFO)(draft)

    return change


def float8(draft: Draft) -> None:
    tensor = draft.add("f8", "Const").attr["value"].t
    for desc in (draft.op("f8").output_desc[0], tensor.desc):
        desc.dtype = 34  # pyright: ignore[reportAttributeAccessIssue]
        desc.shape.dim[:] = [3]
    tensor.data = b"\x3c" * 3


def several_models(draft: Draft) -> None:
    draft.models = 2
    draft.header = replace(draft.header, is_unknow_model=1, model_num=2)


def unknown_input(draft: Draft) -> None:
    draft.op("mm").input[0] = "nobody:0"


def unknown_subgraph(draft: Draft) -> None:
    draft.model.graph.add(name="other")
    draft.op("mm").subgraph_name.append("nowhere")


def constant_type(draft: Draft) -> None:
    draft.op("b_").type = "Constant"


def scalar(draft: Draft) -> None:
    op = draft.add("scalar", "Const")
    op.attr["value"].t.desc.dtype = 1  # pyright: ignore[reportAttributeAccessIssue]
    op.attr["value"].t.desc.shape.SetInParent()
    op.attr["value"].t.data = np.float32(7).tobytes()
    op.output_desc[0].shape.dim[:] = []


def subgraph(draft: Draft) -> None:
    inner = draft.model.graph.add(name="inner")
    op = inner.op.add(name="inner_x", type="Data", input=[""])
    op.output_desc.add(dtype=1).shape.dim.extend([2, 4])
    caller = draft.add("call", "PartitionedCall")
    caller.subgraph_name.append("inner")


def no_kind_of_list(draft: Draft) -> None:
    set_attribute(draft.op("mm").attr["words"], TypedList(ListKind.NONE, ("a", "b")))


def merged_offset(draft: Draft) -> None:
    desc = draft.op("w_").attr["value"].t.desc
    set_attribute(desc.attr["merged_offset"], desc.data_offset)


def bundle(om: bytes) -> bytes:
    return pack_bundle(4096, [Held(om), Held(om)])


def bundle_with_magic(om: bytes) -> bytes:
    return struct.pack("<III", 0x444F4D49, 256, 0x20000000) + bundle(om)[12:]


def no_shape(draft: Draft) -> None:
    draft.op("x").input_desc[0].ClearField("shape")


def files(draft: Draft) -> None:
    """b is in a file instead of the weight partition."""
    op = draft.op("b_")
    op.type = "FileConstant"
    del op.attr["value"]
    for key, value in {"location": "weight_b", "offset": 0, "length": 12}.items():
        set_attribute(op.attr[key], value)
    set_attribute(draft.model.attr["variable_size"], 1536)
    op.output_i[:] = [1 << 37]
    addresses = struct.pack("<Q", draft.model.attr["task_gen_weight_addr"].i + 1024)
    draft.parts[P.TASK_INFO] = draft.parts[P.TASK_INFO].replace(
        addresses, struct.pack("<Q", 1 << 37)
    )
    draft.op("mm").is_input_const[:] = [False, True, False]


def variable(draft: Draft) -> None:
    set_attribute(draft.model.attr["variable_size"], 1536)
    draft.add("v", "Variable").output_i.append(1 << 37)


SAME_CHIP: Change = lambda draft: set_attribute(  # noqa: E731
    draft.model.attr["soc_version"], DEFAULT_SOC
)
TILING_HEAD = struct.pack("<III", 0xDD776EFE, 2, 0)
CUSTOM_OP = struct.pack("<III", 0x4B43534B, 3, 4) + b"opsELF!"
SHARED_OBJECT = struct.pack("<IIHHII", 1, 0x5D776EFD, 2, 0, 2, 4) + b"sohwELF!"

ROWS: dict[int, Row] = {
    1: Row("reference static model"),
    2: Row("32-bit table, length set, model_length 0", with_header(model_length=0, length=1)),
    # A model of one partition is a dump of a graph: LoadRootModel takes it, LoadModel does not.
    3: Row("only MODEL_DEF", alone, fault="nothing but MODEL_DEF", code=PARAM, opt_fault=""),
    4: Row("no WEIGHTS_DATA", no_weights),
    5: Row("no TASK_INFO", without(P.TASK_INFO), runs=False),
    6: Row("with SO_BINS", with_part(P.SO_BINS, SHARED_OBJECT)),
    # It can be read, but there is no library that brings these operators.
    7: Row("with CUSTOM_OPS", with_part(P.CUSTOM_OPS, CUSTOM_OP), fault="custom operators",
           code=FAILURE, opt_fault=""),
    8: Row("TILING_DATA header only", with_part(P.TILING_DATA, TILING_HEAD),
           fault="TILING_DATA is broken", code=FAILURE),
    9: Row("op attr of kind td", with_attribute("kind", td={"dtype": 1})),
    10: Row("op attr list_list_float", with_attribute("kind", list_list_float={})),
    11: Row("NetOutput input [-1,3], producer [2,3]", output_shape(-1, 3)),
    12: Row("consumer [6], producer [2,3]", output_shape(6)),
    13: Row("proto dtype 34", float8),
    14: Row("dirty entry padding", patch=patched(268, b"\xaa\xbb\xcc\xdd"), plain=False),
    15: Row("dirty padding after num", patch=patched(260, b"\xaa\xbb\xcc\xdd"), plain=False),
    16: Row("bad magic", patch=patched(0, b"X"), fault="magic 0x444f4d58", code=PARAM),
    17: Row("one uncounted trailing byte", patch=lambda om: om + b"x", fault="announces",
            code=PARAM),
    18: Row("one byte cut", patch=lambda om: om[:-1], fault="announces", code=PARAM),
    19: Row("header only", patch=lambda om: om[:256], fault="0 follow it", code=PARAM),
    20: Row("255 bytes", patch=lambda om: om[:255], fault="255 bytes, shorter", code=SIZE),
    21: Row("bundle through the model loader", patch=bundle, fault="a bundle of models",
            code=FAILURE, opt_fault=""),
    22: Row("bundle with magic, headsize and version", patch=bundle_with_magic,
            fault="a bundle of models", code=FAILURE, opt_fault=""),
    23: Row("modeltype 5, otherwise normal", with_header(modeltype=5), fault="a bundle of models",
            code=FAILURE, opt_fault="a bundle without a model"),
    24: Row("nine partitions", nine_parts, fault="a table of 9 partitions", code=PARAM),
    25: Row("MODEL_DEF mem_offset 999999", patch=patched(264 + 24 + 8, struct.pack("<Q", 999999)),
            plain=False),
    26: Row("TASK_INFO mem_size 2^40", patch=patched(264 + 4 * 24 + 16, struct.pack("<Q", 1 << 40)),
            fault="partition 2 of 1099511627776 bytes", code=SIZE),
    27: Row("num = 0", patch=patched(256, bytes(4)), fault="a table of 0 partitions", code=PARAM),
    28: Row("MODEL_DEF = 100 bytes FF", with_part(P.MODEL_DEF, b"\xff" * 100),
            fault="MODEL_DEF .100 bytes. is not the protobuf message", code=FAILURE),
    29: Row("headsize 512", with_header(headsize=512)),
    30: Row("version 0x10000000", with_header(version=0x10000000)),
    31: Row("no MODEL_DEF", without(P.MODEL_DEF), fault="no MODEL_DEF partition", code=FAILURE),
    32: Row("ModelDef without graph", lambda draft: draft.model.ClearField("graph"),
            fault="MODEL_DEF has no graph", code=FAILURE),
    33: Row("input from an unknown op", unknown_input, fault="takes 'nobody:0'", code=FAILURE),
    34: Row("subgraph_name not present", unknown_subgraph, fault="calls 'nowhere'", code=FAILURE),
    35: Row("soc_version set", SAME_CHIP),
    36: Row("TASK_INFO = 30 bytes FF", with_part(P.TASK_INFO, b"\xff" * 30),
            fault="TASK_INFO .30 bytes. is not the protobuf message", code=FAILURE),
    37: Row("is_unknow_model 1, model_num 2", several_models),
    38: Row("is_unknow_model 1, one counted extra byte", with_header(is_unknow_model=1), counted,
            fault="its 1 models end at byte", code=FAILURE),
    39: Row("need_check_os_cpu_info 1", with_header(need_check_os_cpu_info=1)),
    40: Row("static, one counted extra byte", patch=counted),
    41: Row("inline const data", inline),
    42: Row("type Constant instead of Const", constant_type),
    43: Row("FileConstant", files),
    44: Row("Variable", variable),
    45: Row("scalar const", scalar),
    46: Row("a subgraph", subgraph),
    47: Row("list attr without val_type", no_kind_of_list),
    48: Row("merged_offset desc attr", merged_offset),
    49: Row("some descs without shape message", no_shape),
}  # fmt: skip


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """y = x · W + B, compiled."""
    folder = tmp_path_factory.mktemp("reference")
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [2, 4])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [2, 3])
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"], "mm"),
        helper.make_node("Add", ["m", "b"], ["y"], "add"),
    ]
    weights = [numpy_helper.from_array(W, "w"), numpy_helper.from_array(B, "b")]
    made = helper.make_model(
        helper.make_graph(nodes, "net", [x], [y], weights),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.save(made, folder / "m.onnx")
    passes = "offline{precision=must_keep_origin_dtype}"
    target = f'om{{output="{folder}/m"}}'
    assert ascend_opt([str(folder / "m.onnx"), "-p", passes, "-t", target]) == 0
    return (folder / "m.om").read_bytes()


@pytest.fixture(params=ROWS, ids=lambda number: f"{number:02} {ROWS[number].words}")
def row(request: pytest.FixtureRequest) -> Row:
    return ROWS[request.param]


@pytest.fixture
def probe(row: Row, reference: bytes, tmp_path: Path) -> Path:
    """The file of a row."""
    draft = Draft(reference)
    row.change(draft)
    path = tmp_path / "probe.om"
    path.write_bytes(row.patch(draft.pack()))
    (tmp_path / "weight").mkdir()
    (tmp_path / "weight" / "weight_b").write_bytes(B.tobytes())
    return path


def test_ascend_opt(row: Row, probe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = ascend_opt([str(probe)])
    out, err = capsys.readouterr()
    if not row.said:
        assert (code, err) == (0, "") and "om.model" in out
        again = probe.with_name("again")
        assert ascend_opt([str(probe), "-t", f'om{{output="{again}"}}']) == 0
        assert (again.with_suffix(".om").read_bytes() == probe.read_bytes()) == row.plain
        return
    (line,) = err.splitlines()
    assert (code, out) == (1, "") and str(probe) in line
    assert re.search(row.said, line)


def test_device(row: Row, probe: Path) -> None:
    acl: Any = build()
    assert acl.init() == 0 and acl.rt.set_device(0) == 0
    model, code = acl.mdl.load_from_file(str(probe))
    message = acl.get_recent_err_msg()
    assert code == row.code, message
    if row.fault:
        assert message.count("\n") == 0 and str(probe) in message
        assert re.search(row.fault, message)
        return
    if row.runs:
        assert np.array_equal(_run(acl, model).reshape(2, 3), X @ W + B)
    assert acl.mdl.unload(model) == 0


def test_constants_whose_bytes_are_nowhere(
    reference: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file can be read without them; GraphEngine's device would compute with anything."""
    draft = Draft(reference)
    without(P.WEIGHTS_DATA)(draft)
    path = tmp_path / "m.om"
    path.write_bytes(draft.pack())
    assert ascend_opt([str(path)]) == 0
    assert 'ge.op "Const" "w_Initializer_1" {value = #ge.attr_def<' in capsys.readouterr().out
    acl: Any = build()
    assert acl.init() == 0 and acl.rt.set_device(0) == 0
    assert acl.mdl.load_from_file(str(path)) == (0, FAILURE)
    assert "'mm' (BatchMatMulV2): 48 bytes at" in acl.get_recent_err_msg()


SIZES = {3: PARAM, 40: FAILURE, 1: 0, 5: 0}
"""What asking for a model's sizes gives, by rows: more is refused than when loading it."""


@pytest.mark.parametrize("number", SIZES)
def test_sizes(number: int, reference: bytes, tmp_path: Path) -> None:
    draft = Draft(reference)
    ROWS[number].change(draft)
    path = tmp_path / "m.om"
    path.write_bytes(ROWS[number].patch(draft.pack()))
    acl: Any = build()
    assert acl.mdl.query_size(str(path))[2] == SIZES[number]
    data = path.read_bytes()
    pointer = acl.util.bytes_to_ptr(data)
    assert acl.mdl.query_size_from_mem(pointer, len(data))[2] == SIZES[number]


def _run(acl: Any, model: int) -> npt.NDArray[np.float32]:
    """What the device computes for X."""
    sets: list[int] = []
    addresses: list[int] = []
    for data in (X.tobytes(), bytes(24)):
        address, code = acl.rt.malloc(len(data), 2)
        pointer = acl.util.bytes_to_ptr(data)
        assert code == 0 and acl.rt.memcpy(address, len(data), pointer, len(data), 1) == 0
        dataset = acl.mdl.create_dataset()
        buffer = acl.create_data_buffer(address, len(data))
        assert acl.mdl.add_dataset_buffer(dataset, buffer)[1] == 0
        sets.append(dataset)
        addresses.append(address)
    assert acl.mdl.execute(model, *sets) == 0, acl.get_recent_err_msg()
    result = bytes(24)
    pointer = acl.util.bytes_to_ptr(result)
    assert acl.rt.memcpy(pointer, 24, addresses[1], 24, 2) == 0
    return np.frombuffer(result, np.float32)
