"""The weights that differ between two checkpoints, as onnx and safetensors read them."""

# pyright: reportUnknownMemberType=false

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import ml_dtypes
import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from compiler.errors import UserError
from compiler.refresh.checkpoint import read_checkpoint
from compiler.refresh.pack import read_pack
from workloads.checkpoints import (
    Arrays,
    layers,
    load_file,
    open_file,
    same,
    save_file,
    save_model,
    weights_of,
)

Refresh: TypeAlias = Callable[..., str]


def version(weights: Arrays) -> str:
    """As the contract has it, computed anew."""
    lines = [f"{n} {hashlib.sha256(w.tobytes()).hexdigest()}\n" for n, w in weights.items()]
    names = sorted(zip((n.encode() for n in weights), lines, strict=True))
    return hashlib.sha256("".join(line for _, line in names).encode()).hexdigest()


@pytest.mark.parametrize("external", [False, True])
def test_a_pack_holds_what_differs_and_nothing_else(
    tmp_path: Path, refresh: Refresh, external: bool
) -> None:
    before = layers()
    after = before | {"down": -before["down"], "up.bias": before["up.bias"] + 1}
    old = save_model(tmp_path / "old.onnx", before, external=external)
    new = save_model(tmp_path / "new.onnx", after, external=not external)
    pack = tmp_path / "pack.safetensors"
    told = refresh("make", old, new, "-o", pack)
    assert "2 of 6 weights" in told
    assert same(load_file(pack), {name: after[name] for name in ("down", "up.bias")})
    with open_file(pack) as file:
        metadata = file.metadata()
    assert metadata["ascend_opt.from"] == version(before)
    assert metadata["ascend_opt.to"] == version(after)
    assert json.loads(metadata["ascend_opt.sha256"]) == {
        name: hashlib.sha256(after[name].tobytes()).hexdigest() for name in ("down", "up.bias")
    }


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sets(st.sampled_from(sorted(layers()))), st.booleans())
def test_make_and_apply_go_round(
    tmp_path: Path, refresh: Refresh, changed: set[str], external: bool
) -> None:
    before = layers()
    after = {name: w - 1 if name in changed else w for name, w in before.items()}
    old = save_model(tmp_path / "old.onnx", before, external=external)
    new = save_model(tmp_path / "new.onnx", after)
    pack, result = tmp_path / "pack.safetensors", tmp_path / "result.onnx"
    refresh("make", old, new, "-o", pack)
    assert load_file(pack).keys() == changed
    refresh("apply", old, pack, "-o", result)
    assert same(weights_of(result), after)
    back = tmp_path / "back.safetensors"
    refresh("make", new, old, "-o", back)
    refresh("apply", result, back, "-o", tmp_path / "again.onnx")
    assert same(weights_of(tmp_path / "again.onnx"), before)


def test_packs_follow_each_other(tmp_path: Path, refresh: Refresh) -> None:
    first = layers()
    states = [first, first | {"down": first["down"] * 2}, first | {"square": first["square"] * 3}]
    models = [save_model(tmp_path / f"{i}.onnx", state) for i, state in enumerate(states)]
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    refresh("make", models[0], models[1], "-o", one)
    refresh("make", models[0], models[2], "--after", one, "-o", two)
    assert load_file(two).keys() == {"down", "square"}
    refresh("apply", models[0], one, two, "-o", tmp_path / "last.onnx")
    assert same(weights_of(tmp_path / "last.onnx"), states[2])
    with pytest.raises(UserError, match="starts from version"):
        refresh("apply", models[0], two, "-o", tmp_path / "never.onnx")
    assert not (tmp_path / "never.onnx").exists()


def test_a_safetensors_checkpoint_may_have_some_of_the_weights(
    tmp_path: Path, refresh: Refresh
) -> None:
    before = layers()
    old = save_model(tmp_path / "old.onnx", before)
    save_file({"square": before["square"] + 1}, tmp_path / "new.safetensors")
    pack = tmp_path / "pack.safetensors"
    told = refresh("make", old, tmp_path / "new.safetensors", "-o", pack)
    assert "5 weights that" in told and "stay as they are" in told
    assert same(load_file(pack), {"square": before["square"] + 1})


def test_several_safetensors_files(tmp_path: Path, refresh: Refresh) -> None:
    before = layers()
    after = {name: value + 1 for name, value in before.items()}
    old = save_model(tmp_path / "old.onnx", before)
    places = {name: f"model-{i % 2}.safetensors" for i, name in enumerate(after)}
    for place in set(places.values()):
        save_file({n: after[n] for n in after if places[n] == place}, tmp_path / place)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    refresh("make", old, index, "-o", tmp_path / "pack.safetensors")
    assert same(load_file(tmp_path / "pack.safetensors"), after)
    index.write_text(json.dumps({"weight_map": {"square": "../model.safetensors"}}))
    with pytest.raises(UserError, match="other folders"):
        refresh("make", old, index, "-o", tmp_path / "pack.safetensors")


def test_floats_are_converted_when_asked_to(tmp_path: Path, refresh: Refresh) -> None:
    before = {name: value.astype(np.float16) for name, value in layers().items()}
    old = save_model(tmp_path / "old.onnx", before)
    new = before["square"].astype(np.float32) * np.float32(1.0001) + np.float32(0.1)
    save_file({"square": new}, tmp_path / "new.safetensors")
    arguments = "make", old, tmp_path / "new.safetensors", "-o", tmp_path / "p.safetensors"
    with pytest.raises(UserError, match=r"'square' is f32\[24, 24\], .*f16\[24, 24\]: --cast conv"):
        refresh(*arguments)
    refresh(*arguments, "--cast")
    assert same(load_file(tmp_path / "p.safetensors"), {"square": new.astype(np.float16)})


def test_types_that_numpy_has_not(tmp_path: Path, refresh: Refresh) -> None:
    values = {"b": np.arange(6).astype(ml_dtypes.bfloat16), "e": np.ones(3, ml_dtypes.float8_e5m2)}

    def saved(name: str, factor: int) -> Path:
        tensors = [
            numpy_helper.from_array((value.astype(np.float32) * factor).astype(value.dtype), name)
            for name, value in values.items()
        ]
        # In the typed field, where each element takes four bytes and more.
        typed = helper.make_tensor("t", onnx.TensorProto.FLOAT16, [2], [factor, 1.5])
        graph = helper.make_graph([], "g", [], [], [*tensors, typed])
        onnx.save(helper.make_model(graph), tmp_path / name)
        return tmp_path / name

    pack = tmp_path / "pack.safetensors"
    refresh("make", saved("old.onnx", 1), saved("new.onnx", 2), "-o", pack)
    with open_file(pack) as file:
        assert set(file.keys()) == {"b", "e", "t"}
        assert file.get_slice("b").get_dtype() == "BF16"
        assert file.get_slice("e").get_dtype() == "F8_E5M2"
    found = read_pack(pack).tensors
    doubled = (np.arange(6) * 2).astype(ml_dtypes.bfloat16)
    assert b"".join(found["b"].data.chunks()) == doubled.tobytes()
    assert b"".join(found["t"].data.chunks()) == np.array([2, 1.5], np.float16).tobytes()


def constant_model(path: Path, value: float, *, epsilon: float = 1e-5) -> Path:
    """A weight in a Constant, and one in a graph inside; a node with an attribute."""
    constant = numpy_helper.from_array(np.full(30, value, np.float32))
    inner = helper.make_graph(
        [helper.make_node("Identity", ["inside"], ["z"])],
        "then",
        [],
        [helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, [2])],
        [numpy_helper.from_array(np.array([value, 1], np.float32), "inside")],
    )
    nodes = [
        helper.make_node("Constant", [], ["w"], value=constant, doc_string=str(path)),
        helper.make_node("LayerNormalization", ["x", "w"], ["y"], epsilon=epsilon),
        helper.make_node("If", ["c"], ["v"], then_branch=inner, else_branch=inner),
    ]
    graph = helper.make_graph(nodes[:2], "g", [], [])
    graph.node.append(nodes[2])
    del graph.node[2].attribute[1:]
    onnx.save(helper.make_model(graph, producer_name=path.name), path)
    return path


def test_weights_in_constants_and_in_graphs_inside(tmp_path: Path, refresh: Refresh) -> None:
    old, new = (constant_model(tmp_path / f"{n}.onnx", n) for n in (1, 2))
    told = refresh("make", old, new, "-o", tmp_path / "pack.safetensors")
    found = load_file(tmp_path / "pack.safetensors")
    inside = np.array([2, 1], np.float32)
    assert same(found, {"w": np.full(30, 2, np.float32), "If_2_1_else_branch/inside": inside})
    assert "note" not in told
    refresh("apply", old, tmp_path / "pack.safetensors", "-o", tmp_path / "result.onnx")
    result, wanted = onnx.load(tmp_path / "result.onnx"), onnx.load(new)
    assert result.graph.node[0].attribute[0].t == wanted.graph.node[0].attribute[0].t


def test_other_differences_are_told(tmp_path: Path, refresh: Refresh) -> None:
    old = constant_model(tmp_path / "old.onnx", 1)
    new = constant_model(tmp_path / "new.onnx", 1, epsilon=1e-6)
    told = refresh("make", old, new, "-o", tmp_path / "pack.safetensors")
    assert "more than weights: the LayerNormalization node that makes 'y'" in told
    old = save_model(tmp_path / "old.onnx", layers())
    new = save_model(tmp_path / "new.onnx", layers(), extra="Tanh")
    assert "Tanh node 'act'" in refresh("make", old, new, "-o", tmp_path / "pack.safetensors")


def test_remarks_about_weights_are_no_difference(tmp_path: Path, refresh: Refresh) -> None:
    old, new = (save_model(tmp_path / f"{name}.onnx", layers()) for name in ("old", "new"))
    model = onnx.load(new)
    model.graph.initializer[0].doc_string = "as trained"
    model.graph.initializer[1].metadata_props.add(key="mean", value="0.1")
    onnx.save(model, new)
    assert "differ" not in refresh("make", old, new, "-o", tmp_path / "pack.safetensors")


SQUARE = layers()["square"]
MISFITS: dict[str, tuple[Arrays, str]] = {
    "unknown name": (
        layers() | {"down.weight": layers()["down"]},
        r"old\.onnx has no weight 'down\.weight' \(there are 6, such as .*down",
    ),
    "shape": ({"square": SQUARE[:5]}, r"'square' is f32\[5, 24\], .*needs f32\[24, 24\]$"),
    "type": (
        {"square": SQUARE.astype("i4")},
        r"'square' is i32\[24, 24\], .*needs f32\[24, 24\]$",
    ),
    "nothing": (
        {"other": SQUARE},
        r"new\.safetensors has no weight 'down' \(there are 1, such as other\)",
    ),
}


@pytest.mark.parametrize("what", MISFITS)
def test_what_does_not_fit(tmp_path: Path, refresh: Refresh, what: str) -> None:
    new, message = MISFITS[what]
    old = save_model(tmp_path / "old.onnx", layers())
    save_file(new, tmp_path / "new.safetensors")
    pack = tmp_path / "pack.safetensors"
    with pytest.raises(UserError, match=message):
        refresh("make", old, tmp_path / "new.safetensors", "-o", pack)
    assert not pack.exists()


def test_weights_that_are_left_out(tmp_path: Path, refresh: Refresh) -> None:
    old = save_model(tmp_path / "old.onnx", layers())
    new = {"square": layers()["square"] + 1, "up.inv_freq": np.ones(3)}
    save_file(new, tmp_path / "new.safetensors")
    pack = tmp_path / "pack.safetensors"
    refresh("make", old, tmp_path / "new.safetensors", "--ignore", "*.inv_freq", "-o", pack)
    assert load_file(pack).keys() == {"square"}
    assert len(read_pack(pack).base) == 6


def test_a_model_is_not_written_over(tmp_path: Path, refresh: Refresh) -> None:
    old = save_model(tmp_path / "old.onnx", layers(), external=True)
    data = tmp_path / "old.onnx.data"
    before = data.read_bytes()
    for output in (old, data, tmp_path / "link"):
        if output.name == "link":
            os.link(old, output)
        with pytest.raises(UserError, match="belongs to the model that is read"):
            refresh("make", old, old, "-o", output)
    assert data.read_bytes() == before


def test_two_weights_of_one_name(tmp_path: Path) -> None:
    path = constant_model(tmp_path / "m.onnx", 1)
    model = onnx.load(path)
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(2), "w"))
    onnx.save(model, path)
    with pytest.raises(UserError, match="two weights are called 'w'"):
        read_checkpoint(str(path))


@pytest.mark.parametrize("name", ["x.bin", "x", "x.json"])
def test_other_files(name: str) -> None:
    with pytest.raises(UserError, match=f"{name}: weights are read from"):
        read_checkpoint(name)
