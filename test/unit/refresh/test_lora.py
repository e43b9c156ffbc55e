"""Adapters are merged with the base weights, exchanged and removed without drift."""

# pyright: reportUnknownMemberType=false

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from compiler.cli import main
from compiler.commands import run_command
from compiler.errors import UserError
from compiler.refresh.checkpoint import read_checkpoint
from compiler.safetensors import IN_OUT, OUT_IN
from workloads.checkpoints import (
    Array,
    Arrays,
    layers,
    load_file,
    same,
    save_file,
    save_model,
    weights_of,
)

RANK, ALPHA = 4, 6.0
SIZES = {"up": (16, 24), "mid.square": (24, 24), "mid.down": (24, 8)}
"""Inputs and outputs of the layers, by the name of the module."""
WEIGHTS = {"up": "up.weight", "mid.square": "square", "mid.down": "down"}

Refresh: TypeAlias = Callable[..., str]


def factors(seed: int, names: Arrays | Any = SIZES, dtype: str = "float32") -> dict[str, Array]:
    generator = np.random.default_rng(seed)
    found: dict[str, Array] = {}
    for name in names:
        inputs, outputs = SIZES[name]
        found[f"{name}.A"] = generator.standard_normal((RANK, inputs)).astype(dtype)
        found[f"{name}.B"] = generator.standard_normal((outputs, RANK)).astype(dtype)
    return found


def save_peft(folder: Path, values: Arrays, **config: object) -> Path:
    """As PEFT's save_pretrained does."""
    folder.mkdir()
    tensors = {
        f"base_model.model.{name[:-2]}.lora_{name[-1]}.weight": value
        for name, value in values.items()
    }
    save_file(tensors, folder / "adapter_model.safetensors")
    told = {"peft_type": "LORA", "r": RANK, "lora_alpha": ALPHA} | config
    (folder / "adapter_config.json").write_text(json.dumps(told))
    return folder


def merged(values: Arrays, scale: float = ALPHA / RANK) -> dict[str, Array]:
    """The weights with the adapter, by NumPy: `up` is [out, in], the others [in, out]."""
    result = layers()
    for module, name in WEIGHTS.items():
        if f"{module}.A" in values:
            a, b = (values[f"{module}.{side}"].astype(np.float64) for side in "AB")
            delta = scale * (b @ a)
            total = result[name] + (delta if name == "up.weight" else delta.T)
            result[name] = total.astype(np.float32)
    return result


def test_an_adapter_is_merged_exchanged_and_removed(tmp_path: Path, refresh: Refresh) -> None:
    base = save_model(tmp_path / "base.onnx", layers())
    one, other = factors(1), factors(2, ["mid.down"])
    a, b = save_peft(tmp_path / "a", one), save_peft(tmp_path / "b", other)
    packs = [tmp_path / f"{name}.safetensors" for name in ("a", "a_to_b", "b_to_a", "remove")]
    told = refresh("make", base, a, "-o", packs[0])
    assert "up.weight f32[24, 16] [out,in]: rank 4, scale 1.5" in told
    assert "down f32[24, 8] [in,out]: rank 4, scale 1.5" in told
    assert "square f32[24, 24] [in,out]" in told
    refresh("make", base, b, "--after", packs[0], "-o", packs[1])
    refresh("make", base, a, "--after", packs[0], "--after", packs[1], "-o", packs[2])
    refresh("make", base, base, "--after", packs[0], "-o", packs[3])
    assert load_file(packs[3]).keys() == set(WEIGHTS.values())

    model = base
    seen: list[dict[str, Array]] = []
    for number, pack in enumerate([*packs, packs[0]]):
        result = tmp_path / f"{number}.onnx"
        refresh("apply", model, pack, "-o", result)
        seen.append(weights_of(result))
        model = result
    with_a, with_b = merged(one), merged(other)
    wanted = [with_a, with_b, with_a, layers(), with_a]
    for found, right in zip(seen, wanted, strict=True):
        for name in right:
            np.testing.assert_array_max_ulp(found[name], right[name], 1)
    assert same(seen[0], seen[2]) and same(seen[0], seen[4])
    assert same(seen[3], layers())


SIDES = {"A": "down", "B": "up"}
NAMINGS: dict[str, Callable[[str, str], str]] = {
    "plain": lambda module, side: f"{WEIGHTS[module]}.lora_{side}",
    "module": lambda module, side: f"{module}.lora_{side}.weight",
    "in memory": lambda module, side: f"base_model.model.{module}.lora_{side}.default.weight",
    "down and up": lambda module, side: f"{module}.lora_{SIDES[side]}.weight",
}


@pytest.mark.parametrize("naming", NAMINGS)
def test_names_of_factors(tmp_path: Path, refresh: Refresh, naming: str) -> None:
    base, values = save_model(tmp_path / "base.onnx", layers()), factors(1)
    tensors = {NAMINGS[naming](name[:-2], name[-1]): value for name, value in values.items()}
    save_file(tensors, tmp_path / "adapter.safetensors")
    pack = tmp_path / "pack.safetensors"
    with pytest.raises(UserError, match=r"nobody says the alpha of '.*': adapter_config"):
        refresh("make", base, tmp_path / "adapter.safetensors", "-o", pack)
    refresh("make", base, tmp_path / "adapter.safetensors", "--alpha", ALPHA, "-o", pack)
    right = merged(values)
    for name, found in load_file(pack).items():
        np.testing.assert_array_max_ulp(found, right[name], 1)
    alphas = {f"{module}.alpha": np.array(8, np.float32) for module in WEIGHTS}
    if naming != "plain":
        save_file(tensors | alphas, tmp_path / "adapter.safetensors")
        refresh("make", base, tmp_path / "adapter.safetensors", "--alpha", ALPHA, "-o", pack)
        right = merged(values, 2.0)
        for name, found in load_file(pack).items():
            np.testing.assert_array_max_ulp(found, right[name], 1)


@pytest.mark.parametrize(
    ("config", "scales"),
    [
        ({"use_rslora": True}, [3.0, 3.0, 3.0]),
        ({"alpha_pattern": {"square": 16, "mid.down": 2}}, [0.5, 1.5, 4.0]),
        ({"alpha_pattern": {"mid\\..*": 8}, "lora_alpha": 1}, [0.25, 2.0, 2.0]),
        ({"r": 9, "rank_pattern": {"up": 4}}, [1.5, 1.5, 1.5]),
    ],
)
def test_scales(
    tmp_path: Path, refresh: Refresh, config: dict[str, object], scales: list[float]
) -> None:
    base = save_model(tmp_path / "base.onnx", layers())
    adapter = save_peft(tmp_path / "a", factors(1), **config)
    told = refresh("make", base, adapter, "-o", tmp_path / "pack.safetensors")
    assert sorted(float(line.rpartition(" ")[2]) for line in told.splitlines()[:3]) == scales


def test_weights_that_an_adapter_has_whole(tmp_path: Path, refresh: Refresh) -> None:
    base = save_model(tmp_path / "base.onnx", layers())
    adapter = save_peft(tmp_path / "a", factors(1, ["up"]))
    file = adapter / "adapter_model.safetensors"
    head = {"base_model.model.down.bias": np.ones(8, np.float32)}
    save_file(load_file(file) | head, file)
    refresh("make", base, adapter, "-o", tmp_path / "pack.safetensors")
    found = load_file(tmp_path / "pack.safetensors")
    assert found.keys() == {"up.weight", "down.bias"} and (found["down.bias"] == 1).all()


def test_a_checkpoint_of_pytorch_s(tmp_path: Path, refresh: Refresh) -> None:
    """Square matrices are [out, in] there, and [in, out] where the adapter says so."""
    w = layers()["square"]
    save_file({"mid.square.weight": w}, tmp_path / "base.safetensors")
    values = factors(1, ["mid.square"])
    delta = ALPHA / RANK * (values["mid.square.B"].astype("f8") @ values["mid.square.A"])
    for swapped in (False, True):
        adapter = save_peft(tmp_path / f"a{swapped}", values, fan_in_fan_out=swapped)
        refresh("make", tmp_path / "base.safetensors", adapter, "-o", tmp_path / "p.safetensors")
        found = load_file(tmp_path / "p.safetensors")["mid.square.weight"]
        right = (w + (delta.T if swapped else delta)).astype(np.float32)
        np.testing.assert_array_max_ulp(found, right, 1)


def products(path: Path) -> Path:
    """Square weights, used in every way a graph may."""
    square = np.eye(4, dtype=np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "matmul"], ["a"]),
        helper.make_node("Gemm", ["a", "gemm"], ["b"]),
        helper.make_node("Gemm", ["b", "linear"], ["c"], transB=1),
        helper.make_node("Transpose", ["turned"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["c", "t"], ["d"]),
        helper.make_node("MatMul", ["left", "d"], ["e"]),
        helper.make_node("MatMul", ["e", "both"], ["f"]),
        helper.make_node("Gemm", ["f", "both"], ["g"], transB=1),
        helper.make_node("Add", ["g", "added"], ["y"]),
        helper.make_node("Gather", ["rows", "i"], ["z"]),
    ]
    names = ("matmul", "gemm", "linear", "turned", "left", "both", "added", "rows")
    graph = helper.make_graph(
        nodes, "g", [], [], [numpy_helper.from_array(square, name) for name in names]
    )
    onnx.save(helper.make_model(graph), path)
    return path


def test_which_way_a_matrix_lies(tmp_path: Path, refresh: Refresh) -> None:
    path = products(tmp_path / "m.onnx")
    assert dict(read_checkpoint(str(path)).layouts) == {
        "matmul": IN_OUT,
        "gemm": IN_OUT,
        "linear": OUT_IN,
        "turned": OUT_IN,
        "left": OUT_IN,
        "rows": IN_OUT,
    }
    a, b = np.arange(4, dtype="f4").reshape(1, 4), np.ones((4, 1), "f4")
    save_file({"both.lora_A": a, "both.lora_B": b}, tmp_path / "a.safetensors")
    arguments = (
        "make",
        path,
        tmp_path / "a.safetensors",
        "--alpha",
        1,
        "-o",
        tmp_path / "p.safetensors",
    )
    with pytest.raises(UserError, match=r"'both' is square, .* --layout out,in"):
        refresh(*arguments)
    for layout, delta in (("out,in", b @ a), ("in,out", (b @ a).T)):
        refresh(*arguments, "--layout", layout)
        assert (load_file(tmp_path / "p.safetensors")["both"] == np.eye(4) + delta).all()


def test_convolutions_and_embeddings(tmp_path: Path, refresh: Refresh) -> None:
    """By the formulas of PEFT's own layers: Conv2d's product of kernels, Embedding's transpose."""
    generator = np.random.default_rng(5)
    base = {
        "conv.weight": generator.standard_normal((6, 3, 2, 2)).astype("f4"),
        "words.weight": generator.standard_normal((10, 10)).astype("f4"),
    }
    save_file(base, tmp_path / "base.safetensors")
    conv_a, conv_b = (
        generator.standard_normal((2, 3, 2, 2)),
        generator.standard_normal((6, 2, 1, 1)),
    )
    word_a, word_b = generator.standard_normal((2, 10)), generator.standard_normal((10, 2))
    tensors = {
        "conv.lora_A.weight": conv_a,
        "conv.lora_B.weight": conv_b,
        "words.lora_embedding_A": word_a,
        "words.lora_embedding_B": word_b,
    }
    save_file(tensors, tmp_path / "a.safetensors")
    pack = tmp_path / "pack.safetensors"
    pair = tmp_path / "base.safetensors", tmp_path / "a.safetensors"
    refresh("make", *pair, "--alpha", 2, "-o", pack)
    found = load_file(pack)
    kernels = np.einsum("orxy,rihw->oihw", conv_b, conv_a)
    np.testing.assert_allclose(found["conv.weight"], base["conv.weight"] + kernels, rtol=1e-6)
    words = base["words.weight"] + (word_b @ word_a).T
    np.testing.assert_allclose(found["words.weight"], words, rtol=1e-6)

    turned = {"conv.weight": base["conv.weight"].transpose(1, 2, 3, 0).copy()}
    save_file(turned, tmp_path / "base.safetensors")
    kernel = {name: tensor for name, tensor in tensors.items() if "conv" in name}
    save_file(kernel, tmp_path / "a.safetensors")
    with pytest.raises(UserError, match=r"f32\[3, 2, 2, 6\], .* changes one of \[6, 3, 2, 2\]$"):
        refresh(
            "make",
            tmp_path / "base.safetensors",
            tmp_path / "a.safetensors",
            "--alpha",
            2,
            "-o",
            pack,
        )


def without(name: str) -> Callable[[Arrays], Arrays]:
    return lambda tensors: {key: value for key, value in tensors.items() if name not in key}


def plus(*more: tuple[str, tuple[int, ...]], dtype: str = "f4") -> Callable[[Arrays], Arrays]:
    """Other tensors, by name and shape."""
    return lambda tensors: dict(tensors) | {name: np.ones(s, dtype) for name, s in more}


UP, MIDDLE = "base_model.model.up.lora", "middle.lora"
WRONG: dict[str, tuple[Callable[[Arrays], Arrays], dict[str, object], str]] = {
    "no B": (without("up.lora_B"), {}, "'up' has no lora_B"),
    "ranks": (
        plus((f"{UP}_B.weight", (24, 3))),
        {},
        "factors of 'up' do not fit: A f32[4, 16] is [r, in], B f32[24, 3]",
    ),
    "shape": (
        plus((f"{UP}_A.weight", (4, 15))),
        {},
        "'up.weight' is f32[24, 16], the adapter of 'up' changes one of [24, 15], or transposed",
    ),
    "integers": (plus((f"{UP}_A.weight", (4, 16)), dtype="i4"), {}, "no floats"),
    "magnitudes": (
        plus((f"{UP}_magnitude_vector", (24,))),
        {},
        "'up.lora_magnitude_vector' is no factor A or B",
    ),
    "unknown": (
        plus((f"{MIDDLE}_A", (4, 24)), (f"{MIDDLE}_B", (24, 4))),
        {},
        "has no weight for the adapter of 'middle' (there are 6, such as",
    ),
    "whole unknown": (
        plus(("bias", (8,))),
        {},
        "base.onnx has no weight 'bias' (there are 6, such as",
    ),
    "two for one weight": (
        plus(("up.weight.lora_A", (4, 16)), ("up.weight.lora_B", (24, 4))),
        {},
        "two adapters change 'up.weight'",
    ),
    "whole and in part": (
        plus(("base_model.model.up.weight", (24, 16))),
        {},
        "'up.weight' is there whole and as an adapter",
    ),
    "DoRA": (dict, {"use_dora": True}, "'use_dora' is more than a product of two matrices"),
    "another kind": (dict, {"peft_type": "IA3"}, "of kind IA3 cannot be merged, only LORA"),
    "another rank": (dict, {"r": 8}, "has rank 4, adapter_config.json says r=8"),
    "no alpha": (dict, {"lora_alpha": None}, "nobody says the alpha of"),
    "no number": (dict, {"lora_alpha": "6"}, "nobody says the alpha of"),
    "no pattern": (dict, {"alpha_pattern": {"(": 1}}, "alpha_pattern in adapter_config.json"),
    "lonely alpha": (plus(("x.alpha", ())), {}, "'x' has an alpha and no factors"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_merged(tmp_path: Path, refresh: Refresh, what: str) -> None:
    change, config, message = WRONG[what]
    base = save_model(tmp_path / "base.onnx", layers())
    adapter = save_peft(tmp_path / "a", factors(1), **config)
    file = adapter / "adapter_model.safetensors"
    save_file(dict(change(load_file(file))), file)
    with pytest.raises(UserError) as caught:
        refresh("make", base, adapter, "-o", tmp_path / "pack.safetensors")
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "pack.safetensors").exists()


def test_options_are_what_they_say(capsys: pytest.CaptureFixture[str]) -> None:
    make = ["refresh", "make", "old.onnx", "new.onnx", "-o", "p"]
    for arguments, message in (
        ([*make, "--alpha", "nan"], "argument --alpha: nan is no number one can multiply by"),
        ([*make, "--alpha", "x"], "--alpha"),
        ([*make, "--layout", "x"], "invalid choice: 'x'"),
        ([*make, "--help"], "--layout out,in|in,out"),
    ):
        with pytest.raises((SystemExit, UserError)) as caught:
            run_command(arguments)
        printed = capsys.readouterr()
        assert message in f"{printed.out}{printed.err}{caught.value}"


def test_a_folder_without_an_adapter(tmp_path: Path, refresh: Refresh) -> None:
    base = save_model(tmp_path / "base.onnx", layers())
    with pytest.raises(UserError, match=r"has a file adapter_model\.safetensors, this has none"):
        refresh("make", base, tmp_path, "-o", tmp_path / "pack.safetensors")


def linear_model(path: Path) -> Path:
    """x[2, 24] times a square matrix that lies as PyTorch keeps it: turned while compiling."""
    nodes = [
        helper.make_node("Transpose", ["square.weight"], ["t"], "turn", perm=[1, 0]),
        helper.make_node("MatMul", ["x", "t"], ["y"], "product"),
    ]
    x, y = (
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2, 24]) for name in ("x", "y")
    )
    square = numpy_helper.from_array(layers()["square"], "square.weight")
    graph = helper.make_graph(nodes, "linear", [x], [y], [square])
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


@pytest.mark.parametrize(
    ("precision", "readable"), [("must_keep_origin_dtype", True), ("force_fp16", False)]
)
def test_a_bundle_that_holds_a_turned_matrix(
    precision: str, readable: bool, tmp_path: Path, refresh: Refresh
) -> None:
    """What was turned is turned back; what was rounded is not in the file any more."""
    base = linear_model(tmp_path / "base.onnx")
    bundle = tmp_path / "bundle.om"
    options = f'precision={precision} refresh="square.weight" refresh_form=compiled'
    target = f'om{{output="{bundle.with_suffix("")}"}}'
    assert main([str(base), "-p", f"offline{{{options}}}", "-t", target]) == 0
    values = {f"square.{side}": factors(1)[f"mid.square.{side}"] for side in "AB"}
    adapter = save_peft(tmp_path / "a", values)
    packs = [tmp_path / f"{name}.safetensors" for name in ("base", "bundle")]
    refresh("make", base, adapter, "-o", packs[0])
    if not readable:
        with pytest.raises(UserError, match="is not in the file: give the ONNX model"):
            refresh("make", bundle, adapter, "-o", packs[1])
        return
    told = refresh("make", bundle, adapter, "-o", packs[1])
    assert "square.weight f32[24, 24] [out,in]" in told
    assert same(*map(load_file, packs))
    refresh("verify", packs[1], bundle)
