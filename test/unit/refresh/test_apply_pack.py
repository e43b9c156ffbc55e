"""A pack that is applied to a bundle makes the bundle that compiling the new weights makes."""

# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from compiler.cli import main
from compiler.errors import UserError
from compiler.om.buffers import Blob, Held
from compiler.om.bundle import read_bundle
from compiler.om.contract import LISTED_NAME
from compiler.om.encode import encode_message
from compiler.om.files import write_file
from compiler.om.manifest import read_manifest
from compiler.om.partitions import PartitionType
from compiler.om.writer import Partition, lay_out_bundle, lay_out_file
from compiler.refresh.checkpoint import read_checkpoint
from compiler.safetensors import IN_OUT, OUT_IN
from compiler.weights.digests import all_sha256
from workloads.checkpoints import Arrays, layers, load_file, save_file, save_model

Refresh: TypeAlias = Callable[..., str]

ALL = '"up.weight","up.bias","square","mid.bias","down","down.bias"'


def compiled(path: Path, weights: Arrays, refresh: str = ALL, options: str = "") -> Path:
    """A bundle at `path`, of the model with those weights."""
    model = save_model(path.with_suffix(".onnx"), weights)
    passes = f"offline{{refresh={refresh} precision=must_keep_origin_dtype {options}}}"
    assert main([str(model), "-p", passes, "-t", f'om{{output="{path}"}}']) == 0
    return path


def other() -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """Weights of which others are equal: two biases were, and no longer are."""
    before = layers()
    return before | {"up.bias": np.arange(24, dtype="f4"), "square": before["square"] * 2}


def test_a_bundle_is_what_the_compiler_makes(tmp_path: Path, refresh: Refresh) -> None:
    old = compiled(tmp_path / "old.om", layers())
    new = compiled(tmp_path / "new.om", other())
    pack = tmp_path / "pack.safetensors"
    refresh("make", tmp_path / "old.onnx", tmp_path / "new.onnx", "-o", pack)
    refresh("apply", old, pack, "-o", tmp_path / "result.om")
    assert (tmp_path / "result.om").read_bytes() == new.read_bytes()
    assert read_manifest(tmp_path / "result.om").version != read_manifest(old).version
    back = tmp_path / "back.safetensors"
    refresh("make", tmp_path / "result.om", tmp_path / "old.onnx", "-o", back)
    refresh("apply", tmp_path / "result.om", back, "-o", tmp_path / "again.om")
    assert (tmp_path / "again.om").read_bytes() == old.read_bytes()


def test_weights_are_read_from_a_bundle(tmp_path: Path, refresh: Refresh) -> None:
    old = compiled(tmp_path / "old.om", layers())
    new = compiled(tmp_path / "new.om", other())
    found = read_checkpoint(str(old))
    for name, value in layers().items():
        assert found.weights[name].shape == value.shape
        assert b"".join(found.weights[name].data.chunks()) == value.tobytes()
    assert found.layouts == {"square": IN_OUT, "down": IN_OUT, "up.weight": OUT_IN}
    refresh("make", old, new, "-o", tmp_path / "pack.safetensors")
    assert load_file(tmp_path / "pack.safetensors").keys() == {"up.bias", "square"}


def test_a_bundle_refuses_what_it_cannot_change(tmp_path: Path, refresh: Refresh) -> None:
    old = compiled(tmp_path / "old.om", layers(), '"square"')
    save_model(tmp_path / "new.onnx", other())
    pack = tmp_path / "pack.safetensors"
    refresh("make", tmp_path / "old.onnx", tmp_path / "new.onnx", "-o", pack)
    with pytest.raises(UserError, match=r"old\.om has no weight 'up\.bias' \(there are 1"):
        refresh("apply", old, pack, "-o", tmp_path / "result.om")
    told = refresh("make", old, tmp_path / "new.onnx", "-o", pack)
    assert "5 weights that" in told and "cannot change" in told
    refresh("apply", old, pack, "-o", tmp_path / "result.om")
    found = read_checkpoint(str(tmp_path / "result.om"))
    assert b"".join(found.weights["square"].data.chunks()) == other()["square"].tobytes()


def test_a_bundle_that_lists_no_sizes(tmp_path: Path, refresh: Refresh) -> None:
    """As one of another program may."""
    old = compiled(tmp_path / "old.om", layers())
    bundle = read_bundle(old)
    models: list[Blob] = []
    for model in bundle.models:
        definition = model.root.model_def
        del definition.attr[LISTED_NAME]
        changed: dict[int, bytes] = {PartitionType.MODEL_DEF: encode_message(definition)}
        pairs = zip(model.root.table, model.root.bodies, strict=True)
        bodies = [
            Partition(entry.type, Held(changed.get(entry.type) or bytes(body)))
            for entry, body in pairs
        ]
        models.append(lay_out_file(model.header, [bodies]))
    write_file(old, lay_out_bundle(bundle.var_size, models))
    save_file({"square": other()["square"]}, tmp_path / "pack.safetensors")
    new = tmp_path / "new.safetensors"
    refresh("make", old, tmp_path / "pack.safetensors", "-o", new)
    refresh("apply", old, new, "-o", tmp_path / "result.om")
    found = read_checkpoint(str(tmp_path / "result.om"))
    assert b"".join(found.weights["square"].data.chunks()) == other()["square"].tobytes()


def test_a_bundle_without_its_weights(tmp_path: Path, refresh: Refresh) -> None:
    old = compiled(tmp_path / "old.om", layers(), options="init=false")
    new = save_model(tmp_path / "new.onnx", other())
    pack = tmp_path / "pack.safetensors"
    refresh("make", old, new, "-o", pack)
    assert load_file(pack).keys() == {"up.bias", "square"}
    with pytest.raises(UserError, match="takes them at run time only"):
        refresh("apply", old, pack, "-o", tmp_path / "result.om")
    part = tmp_path / "part.safetensors"
    save_file({"down": layers()["down"]}, part)
    with pytest.raises(UserError, match="is not in the file: give the ONNX model"):
        refresh("make", old, part, "--after", pack, "-o", pack.with_stem("x"))
    assert not (tmp_path / "result.om").exists()


def test_an_adapter_of_weights_that_are_not_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is said to be merged that is not."""
    old = compiled(tmp_path / "old.om", layers(), options="init=false")
    adapter = tmp_path / "adapter.safetensors"
    shapes = {"A": (4, 24), "B": (8, 4)}
    save_file({f"down.lora_{side}": np.ones(s, "f4") for side, s in shapes.items()}, adapter)
    capsys.readouterr()
    make = ["refresh", "make", str(old), str(adapter), "--alpha", "4", "-o", str(tmp_path / "p")]
    assert main(make) == 1
    printed = capsys.readouterr()
    assert "weight 'down' is not in the file: give the ONNX model" in printed.err
    assert printed.out == ""
    make[2] = str(old.with_suffix(".onnx"))
    assert main(make) == 0
    assert capsys.readouterr().out.startswith("down f32[24, 8] [in,out]: rank 4, scale 1\n")


def test_weights_in_files_of_their_own(tmp_path: Path, refresh: Refresh) -> None:
    old = compiled(tmp_path / "old.om", layers(), options="external_weight=1")
    new = save_model(tmp_path / "new.onnx", other())
    pack = tmp_path / "pack.safetensors"
    refresh("make", old, new, "-o", pack)
    assert load_file(pack).keys() == {"up.bias", "square"}
    with pytest.raises(UserError, match=r"weight '[\w.]*' is in a file of its own: apply"):
        refresh("apply", old, pack, "-o", tmp_path / "result.om")
    assert not (tmp_path / "result.om").exists()


def branches(path: Path) -> Path:
    """Weights at the top and in branches of nodes without a name, and branches of those: of
    initializers, and of Constants without a name, with one of their own, and with an exporter's.
    """

    def branch(name: str, value: float, deep: bool = True) -> onnx.GraphProto:
        same, inside = ("same", "inside") if deep else ("deeper same", "deeper inside")
        constant = numpy_helper.from_array(np.full(4, value + 10, "f4"))
        nodes = [
            helper.make_node("Constant", [], [same], value=constant),
            helper.make_node("Sum", ["x", inside, same], ["sum" if deep else name]),
        ]
        if deep:
            inner = [branch(name + end, value + i, False) for i, end in ((20, "t"), (30, "e"))]
            nodes += [
                helper.make_node("If", ["c"], ["i"], then_branch=inner[0], else_branch=inner[1]),
                helper.make_node("Add", ["sum", "i"], [name]),
            ]
        return helper.make_graph(
            nodes,
            name,
            [],
            [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [4])],
            [numpy_helper.from_array(np.full(4, value, "f4"), inside)],
        )

    values = (numpy_helper.from_array(np.full(4, value, "f4")) for value in (3, 5, 8, 9))
    nodes = [
        helper.make_node("Add", ["x", "top"], ["a"]),
        helper.make_node(
            "If", ["c"], ["b"], then_branch=branch("t", 1), else_branch=branch("e", 2)
        ),
        helper.make_node("Constant", [], ["k"], value=next(values)),
        helper.make_node("Constant", [], ["l"], "named", value=next(values)),
        helper.make_node("Constant", [], ["m"], "/layer/Constant_1", value=next(values)),
        helper.make_node("Constant", [], ["n"], "Constant_70", value=next(values)),
        helper.make_node("Sum", ["a", "b", "k", "l", "m", "n"], ["y"]),
    ]
    inputs = [
        helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [4]),
        helper.make_tensor_value_info("c", onnx.TensorProto.BOOL, []),
    ]
    outputs = [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [4])]
    top = numpy_helper.from_array(np.full(4, 7, "f4"), "top")
    graph = helper.make_graph(nodes, "g", inputs, outputs, [top])
    imports = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), path)
    return path


def test_names_are_the_manifest_s(tmp_path: Path) -> None:
    model, bundle = branches(tmp_path / "m.onnx"), tmp_path / "m.om"
    passes = 'offline{refresh="*" precision=must_keep_origin_dtype}'
    assert main([str(model), "-p", passes, "-t", f'om{{output="{bundle}"}}']) == 0
    told, found = read_manifest(bundle).sources, read_checkpoint(str(model))
    digests = found.state(all_sha256(found.unhashed))
    assert digests == {name: source.sha256 for name, source in told.items()}
    assert {"If_1_1_else_branch/inside", "If_1_0_then_branch/same"} <= digests.keys()
    assert {"k", "named", "/layer/Constant_1", "Constant_70"} <= digests.keys()
    assert len(digests) == 1 + 4 + 6 * 2
