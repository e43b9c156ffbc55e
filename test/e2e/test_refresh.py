"""Bundles that we compile, changed while they serve: outputs are those of ONNX Runtime."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from compiler.cli import main
from runtime.errors import AclError
from runtime.refresh import Bundle

Array = npt.NDArray[Any]

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
NAMES = [
    f"{layer}.{kind}" for layer in ("conv1", "conv2", "fc1", "fc2") for kind in ("weight", "bias")
]


def compiled(model: str, output: Path, options: str = "") -> Path:
    names = ",".join(f'"{name}"' for name in NAMES)
    pipeline = f"offline{{precision=must_keep_origin_dtype refresh={names} {options}}}"
    assert main([str(DIGITS / model), "-p", pipeline, "-t", f'om{{output="{output}"}}']) == 0
    return output.with_suffix(".om")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled("model.onnx", tmp_path_factory.mktemp("refresh") / "bundle")


def weights(model: str) -> dict[str, Array]:
    # onnx's stubs leave the type argument of PathLike open.
    loaded = onnx.load(DIGITS / model)  # pyright: ignore[reportUnknownMemberType]
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in loaded.graph.initializer}


def images() -> Array:
    return np.load(DIGITS / "heldout.npz")["images"][:36]


def reference(model: str) -> Array:
    session: Any = onnxruntime.InferenceSession(
        str(DIGITS / model), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"image": images()})[0]


def output(bundle: Bundle) -> Array:
    return bundle.infer({"image": images()})["probabilities"]


def test_a_bundle_serves_one_checkpoint_and_then_another(path: Path) -> None:
    with Bundle.load(path) as bundle:
        assert sorted(bundle.weights) == sorted(NAMES)
        first = output(bundle)
        np.testing.assert_allclose(first, reference("model.onnx"), atol=1e-5)
        bundle.update(weights("better.onnx"))
        second = output(bundle)
        np.testing.assert_allclose(second, reference("better.onnx"), atol=1e-5)
        bundle.rollback()
        np.testing.assert_array_equal(output(bundle), first)
        assert np.abs(first - second).max() > 0.1


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What leads from one checkpoint to the other."""
    path = tmp_path_factory.mktemp("pack") / "better.safetensors"
    checkpoints = [str(DIGITS / name) for name in ("model.onnx", "better.onnx")]
    assert main(["refresh", "make", *checkpoints, "-o", str(path)]) == 0
    return path


def test_a_pack_is_taken_in_the_version_it_starts_from(path: Path, pack: Path) -> None:
    with Bundle.load(path) as bundle:
        assert bundle.update(pack, "better") == "better"
        np.testing.assert_allclose(output(bundle), reference("better.onnx"), atol=1e-5)
        recorded = bundle.digests()
        with pytest.raises(AclError, match=r"version 'better', is there already"):
            bundle.update(pack)
        bundle.rollback()
        bundle.update({"fc2.bias": np.zeros(10, np.float32)})
        with pytest.raises(
            AclError, match=r"starts from version \w{16} and ends at \w{16}; .* is at"
        ):
            bundle.update(pack)
        assert bundle.versions == ("compiled", "better", bundle.version)
        bundle.update(weights("better.onnx"))
        assert bundle.digests() == recorded


def test_a_pack_of_nothing_makes_no_version(path: Path, tmp_path: Path) -> None:
    models = {name: str(DIGITS / f"{name}.onnx") for name in ("model", "better")}
    for name, model in models.items():
        assert main(["refresh", "make", model, model, "-o", str(tmp_path / name)]) == 0
    with Bundle.load(path) as bundle:
        assert bundle.update(tmp_path / "model") == "compiled"
        with pytest.raises(AclError, match="starts from version"):
            bundle.update(tmp_path / "better")


def test_a_bundle_that_holds_nothing_is_in_no_version(path: Path, pack: Path, tmp_path: Path):
    given = weights("model.onnx")
    with (
        Bundle.load(compiled("model.onnx", tmp_path / "empty", "init=false")) as bundle,
        Bundle.load(path) as full,
    ):
        assert bundle.digests() == {}
        with pytest.raises(AclError, match=r"holds no version yet, 8 of 8 weights were never"):
            bundle.update(pack)
        bundle.update({name: given[name] for name in NAMES[1:]})
        assert set(bundle.digests()) == set(NAMES[1:])
        with pytest.raises(AclError, match=r"1 of 8 weights were never given, as 'conv1\.weight'"):
            bundle.update(pack)
        bundle.update({name: given[name] for name in NAMES[:1]})
        assert bundle.digests() == full.digests()
        bundle.update(pack)
        np.testing.assert_allclose(output(bundle), reference("better.onnx"), atol=1e-5)


def test_a_damaged_pack_changes_nothing(path: Path, pack: Path, tmp_path: Path) -> None:
    data = bytearray(pack.read_bytes())
    data[-1] ^= 1
    (tmp_path / "damaged.safetensors").write_bytes(data)
    with Bundle.load(path) as bundle:
        before = output(bundle)
        with pytest.raises(AclError, match="is damaged: its bytes are not those of the pack"):
            bundle.update(tmp_path / "damaged.safetensors")
        assert bundle.versions == ("compiled",)
        np.testing.assert_array_equal(output(bundle), before)


def test_a_weight_file_matters_while_a_weight_in_use_is_of_it(tmp_path: Path) -> None:
    path = compiled("model.onnx", tmp_path / "outside", "external_weight=1")
    given = weights("better.onnx")
    with Bundle.load(path) as bundle:
        first = output(bundle)
        for file in (tmp_path / "weight").iterdir():
            os.truncate(file, file.stat().st_size // 2)
        bundle.update({name: given[name] for name in NAMES[1:]})
        with pytest.raises(AclError, match="changed since"):
            output(bundle)
        bundle.update({name: given[name] for name in NAMES[:1]})
        np.testing.assert_allclose(output(bundle), reference("better.onnx"), atol=1e-5)
        bundle.activate("compiled")
        with pytest.raises(AclError, match="changed since"):
            output(bundle)
        bundle.update(weights("model.onnx"))
        np.testing.assert_array_equal(output(bundle), first)


def test_refreshed_weights_are_those_of_a_fresh_compile(path: Path, tmp_path: Path) -> None:
    with (
        Bundle.load(path) as bundle,
        Bundle.load(compiled("better.onnx", tmp_path / "fresh")) as fresh,
    ):
        bundle.update(weights("better.onnx"))
        np.testing.assert_array_equal(output(bundle), output(fresh))
        assert bundle.digests() == fresh.digests()
