# pyright: reportUnknownVariableType=false
"""Both forms of refreshable weights on the device: outputs are those of a fresh compilation.

(onnx's save is not fully typed.)
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, load, numpy_helper, save

from compiler.cli import main
from compiler.om.manifest import read_manifest
from compiler.refresh.pack import read_pack
from compiler.weights import Inline, numpy_dtype
from compiler.weights.recipes import made
from runtime.device import Memory
from runtime.errors import AclError
from runtime.model_registry import Models
from runtime.refresh import Bundle
from runtime.settings import Engine

Array = np.ndarray[Any, np.dtype[Any]]
CONVS = {"first": (8, 3), "second": (8, 8)}
FOLDED = ("weight", "scale", "bias", "mean", "var")
ELEMENTS = {"DT_FLOAT": "f32", "DT_FLOAT16": "f16"}


def checkpoint(seed: int) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    values: dict[str, Array] = {"fc": random.standard_normal((10, 8)).astype("f4") / 4}
    for name, (out, into) in CONVS.items():
        values[f"{name}.weight"] = random.standard_normal((out, into, 3, 3)).astype("f4") / 4
        for part in FOLDED[1:]:
            values[f"{name}.{part}"] = random.standard_normal(out).astype("f4")
        values[f"{name}.var"] = np.abs(values[f"{name}.var"]) + np.float32(0.5)
    return values


def network(path: Path, seed: int) -> Path:
    """Two convolutions with batch norms, a residual sum, pooling and a classifier."""
    nodes: list[Any] = []
    value = "x"
    for name in CONVS:
        own = [f"{name}.{part}" for part in FOLDED]
        nodes += [
            helper.make_node("Conv", [value, own[0]], [f"{name}.c"], name, pads=[1, 1, 1, 1]),
            helper.make_node("BatchNormalization", [f"{name}.c", *own[1:]], [f"{name}.n"]),
            helper.make_node("Relu", [f"{name}.n"], [f"{name}.r"]),
        ]
        value = f"{name}.r"
    nodes += [
        helper.make_node("Add", ["first.r", "second.r"], ["sum"]),
        helper.make_node("GlobalAveragePool", ["sum"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "fc"], ["y"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 10])],
        [numpy_helper.from_array(value, name) for name, value in checkpoint(seed).items()],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8), path)
    return path


def build(model: Path, output: Path, options: str) -> Path:
    assert main([str(model), "-p", f"offline{{{options}}}", "-t", f'om{{output="{output}"}}']) == 0
    return output.with_name(f"{output.name}.om")


def plain(model: Path, output: Path, options: str, x: Array, engine: Engine) -> Array:
    models = Models(Memory(), engine)
    return models[models.load(str(build(model, output, options)))].run([x])[0].copy()


def inputs(bundle: Path, tensors: Mapping[str, Array]) -> list[Array]:
    """What the update model takes, made as the manifest says."""
    sources = {name: Inline(value.tobytes()) for name, value in tensors.items()}
    given: list[Array] = []
    for weight in read_manifest(bundle).weights:
        data = made(weight.recipe or {"source": weight.onnx}, sources)
        values = np.frombuffer(b"".join(data.chunks()), numpy_dtype(ELEMENTS[weight.dtype]))
        given.append(values.reshape(weight.shape))
    return given


@pytest.mark.parametrize("precision", ["force_fp16", "must_keep_origin_dtype"])
@pytest.mark.parametrize("form", ["original", "compiled"])
@pytest.mark.parametrize("engine", Engine)
def test_refreshed_outputs_are_those_of_a_fresh_compilation(
    engine: Engine, form: str, precision: str, tmp_path: Path
):
    """… without refresh where the variables are as compiled, else with; and back again."""
    first, second = (network(tmp_path / f"{seed}.onnx", seed) for seed in (1, 2))
    x = np.random.default_rng(3).standard_normal((2, 3, 8, 8)).astype("f4")
    options = f"precision={precision}"
    refresh = f'{options} refresh="*" refresh_form={form}'
    models = Models(Memory(), engine)
    bundle = build(first, tmp_path / "b", refresh)
    infer, init, update = (
        models[i] for i in models.bundle(models.load_bundle(str(bundle))).model_ids
    )
    init.run([])
    before = infer.run([x])[0].copy()
    update.run(inputs(bundle, checkpoint(2)))
    after = infer.run([x])[0].copy()
    update.run(inputs(bundle, checkpoint(1)))
    assert infer.run([x])[0].tobytes() == before.tobytes() != after.tobytes()
    if form == "compiled":
        assert before.tobytes() == plain(first, tmp_path / "p1", options, x, engine).tobytes()
        assert after.tobytes() == plain(second, tmp_path / "p2", options, x, engine).tobytes()
    fresh = build(second, tmp_path / "f", refresh)
    infer, init, _ = (models[i] for i in models.bundle(models.load_bundle(str(fresh))).model_ids)
    init.run([])
    assert infer.run([x])[0].tobytes() == after.tobytes()


def test_tensors_that_are_computed_together_are_given_together(tmp_path: Path):
    """A folded filter has the type and the shape of the filter: it would fit."""
    model = network(tmp_path / "m.onnx", 1)
    options = 'precision=must_keep_origin_dtype refresh="first.weight","fc" refresh_form=compiled'
    x = np.zeros((2, 3, 8, 8), np.float32)
    new = checkpoint(2)
    with Bundle.load(build(model, tmp_path / "b", options)) as bundle:
        before, digests = bundle.infer({"x": x}), bundle.digests()
        with pytest.raises(AclError, match=r"'first\.weight' is computed .* with 'first\.scale', "):
            bundle.update({name: new[name] for name in ("fc", "first.weight")})
        np.testing.assert_equal(bundle.infer({"x": x}), before)
        assert bundle.digests() == digests
        given = {name: new[name].copy() for name in bundle.weights}
        bundle.update(given)
        for array in given.values():  # what was given is hashed, not what becomes of it
            array[:] = 0
        assert set(bundle.weights) == {"fc", *(f"first.{part}" for part in FOLDED)}
        assert {name: hash_of(new[name]) for name in digests} == bundle.digests()
        assert any(np.any(bundle.infer({"x": x})[name] != value) for name, value in before.items())
        bundle.rollback()
        np.testing.assert_equal(bundle.infer({"x": x}), before)
        assert bundle.digests() == digests


def hash_of(array: Array) -> str:
    return sha256(array.tobytes()).hexdigest()


def test_a_pack_for_a_bundle_has_what_is_computed_with_a_changed_tensor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A bundle takes it while it serves, and a file that takes it is the one compiled afresh."""
    options = 'precision=force_fp16 refresh="*" refresh_form=compiled'
    old, new = (network(tmp_path / f"{seed}.onnx", 1) for seed in ("old", "new"))
    model = load(new)
    [filter] = [t for t in model.graph.initializer if t.name == "second.weight"]
    filter.CopyFrom(numpy_helper.from_array(checkpoint(2)[filter.name], filter.name))
    save(model, new)
    x = {"x": np.ones((2, 3, 8, 8), np.float32)}
    bundle_path = build(old, tmp_path / "b", options)
    packs = [tmp_path / name for name in ("least.safetensors", "fitting.safetensors")]
    for pack, more in zip(packs, ([], ["--for", str(bundle_path)]), strict=True):
        assert main(["refresh", "make", str(old), str(new), "-o", str(pack), *more]) == 0
    assert [len(read_pack(pack).tensors) for pack in packs] == [1, len(FOLDED)]
    fresh_path, applied = build(new, tmp_path / "f", options), tmp_path / "applied.om"
    assert main(["refresh", "apply", str(bundle_path), str(packs[0]), "-o", str(applied)]) != 0
    assert "in a pack together, as `refresh make --for " in capsys.readouterr().err
    assert main(["refresh", "verify", str(packs[0]), str(bundle_path)]) != 0
    assert "in a pack together, as `refresh make --for " in capsys.readouterr().err
    assert main(["refresh", "verify", str(packs[1]), str(bundle_path)]) == 0
    assert main(["refresh", "apply", str(bundle_path), str(packs[1]), "-o", str(applied)]) == 0
    assert applied.read_bytes() == fresh_path.read_bytes()
    with Bundle.load(bundle_path) as bundle, Bundle.load(fresh_path) as fresh:
        with pytest.raises(AclError, match=r"computed into .* \(`refresh make --for` packs them\)"):
            bundle.update(packs[0])
        bundle.update(packs[1])
        np.testing.assert_equal(bundle.infer(x), fresh.infer(x))
        assert bundle.digests() == fresh.digests()


def test_a_bundle_with_recipes_that_holds_nothing(tmp_path: Path):
    model, new = network(tmp_path / "m.onnx", 1), network(tmp_path / "n.onnx", 2)
    options = 'precision=force_fp16 refresh="*" refresh_form=compiled init=false'
    path, pack = build(model, tmp_path / "b", options), tmp_path / "p.safetensors"
    assert main(["refresh", "make", str(model), str(new), "-o", str(pack)]) == 0
    with Bundle.load(path) as bundle:
        assert bundle.digests() == {}
        with pytest.raises(AclError, match="holds no version yet, 11 of 11 weights"):
            bundle.update(pack)
        bundle.update(checkpoint(1))
        bundle.update(pack)
        assert bundle.digests() == {name: hash_of(value) for name, value in checkpoint(2).items()}


def test_a_pack_with_damaged_bytes_of_what_a_variable_is_made_of(tmp_path: Path):
    options = 'precision=force_fp16 refresh="*" refresh_form=compiled'
    old, new = (network(tmp_path / f"{seed}.onnx", seed) for seed in (1, 2))
    bundle_path, pack = build(old, tmp_path / "b", options), tmp_path / "p.safetensors"
    assert main(["refresh", "make", str(old), str(new), "-o", str(pack)]) == 0
    last = read_pack(pack).tensors["second.weight"].data
    data = bytearray(pack.read_bytes())
    data[last.offset] ^= 1
    pack.write_bytes(data)
    with Bundle.load(bundle_path) as bundle:
        with pytest.raises(AclError, match=r"'second\.weight' is damaged"):
            bundle.update(pack)
        assert bundle.version == "compiled"


def test_a_recipe_that_does_not_make_its_variable_is_refused_when_loaded(tmp_path: Path):
    options = 'precision=force_fp16 refresh="fc" refresh_form=compiled'
    path = build(network(tmp_path / "m.onnx", 1), tmp_path / "b", options)
    data = path.read_bytes()
    assert data.count(b'"to":"f16"') == 1
    path.write_bytes(data.replace(b'"to":"f16"', b'"to":"f64"'))
    with pytest.raises(AclError, match=r"recipe of variable '.*_var' makes 640 bytes, .* has 160"):
        Bundle.load(path)


def test_faithful_does_not_follow_recipes(tmp_path: Path):
    options = 'precision=force_fp16 refresh="fc" refresh_form=compiled'
    path = build(network(tmp_path / "m.onnx", 1), tmp_path / "b", options)
    with (
        Bundle.load(path, faithful=True) as bundle,
        pytest.raises(AclError, match="made of 'fc' by a recipe, which GraphEngine does not"),
    ):
        bundle.update({"fc": checkpoint(2)["fc"]})
