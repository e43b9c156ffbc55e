"""The digits example's committed files are what train.py promises; ONNX Runtime is the judge."""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

DIGITS = Path(__file__).parents[3] / "examples" / "digits"
MODELS = ("model", "better")
WEIGHTS = {
    "conv1.weight": [16, 1, 3, 3],
    "conv1.bias": [16],
    "conv2.weight": [32, 16, 3, 3],
    "conv2.bias": [32],
    "fc1.weight": [64, 128],
    "fc1.bias": [64],
    "fc2.weight": [64, 10],
    "fc2.bias": [10],
}

Array = NDArray[np.floating]


def load(name: str, *, weights: bool = True) -> onnx.ModelProto:
    # onnx's stubs leave the type argument of PathLike open.
    return onnx.load_model(  # pyright: ignore[reportUnknownMemberType]
        DIGITS / f"{name}.onnx", load_external_data=weights
    )


def arrays(name: str) -> dict[str, Array]:
    return {w.name: numpy_helper.to_array(w) for w in load(name).graph.initializer}


def heldout() -> tuple[Array, NDArray[np.int64]]:
    with np.load(DIGITS / "heldout.npz") as archive:
        return archive["images"], archive["labels"]


def run(model: str | bytes, images: Array, output: str = "probabilities") -> Array:
    """One output from ONNX Runtime, in the model's batches of 36."""
    session: Any = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    batches = images.reshape(-1, 36, 1, 8, 8)
    return np.concatenate([session.run([output], {"image": b})[0] for b in batches])


def accuracy(model: str | bytes) -> float:
    images, labels = heldout()
    return float((run(model, images).argmax(axis=1) == labels).mean())


@pytest.fixture(scope="module")
def train() -> dict[str, Any]:
    """What train.py defines; nothing is trained."""
    return runpy.run_path(str(DIGITS / "train.py"))


def test_heldout_digits() -> None:
    images, labels = heldout()
    assert (images.dtype, images.shape) == (np.float32, (360, 1, 8, 8))
    assert (labels.dtype, labels.shape) == (np.int64, (360,))
    assert (images.min(), images.max()) == (0, 1)
    assert set(np.bincount(labels, minlength=10)) <= {35, 36, 37}


def test_heldout_digits_are_not_trained_on(train: dict[str, Any]) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is in the dependency group `generate`")
    digits, (images, labels) = train["load_digits"]()
    assert len(digits.images) + len(images) == 1797
    np.testing.assert_array_equal(images, heldout()[0])
    np.testing.assert_array_equal(labels, heldout()[1])
    assert not {i.tobytes() for i in images} & {i.tobytes() for i in digits.images}


@pytest.mark.parametrize(("name", "low", "high"), [("model", 0.75, 0.88), ("better", 0.97, 1)])
def test_accuracy(name: str, low: float, high: float) -> None:
    assert low <= accuracy(str(DIGITS / f"{name}.onnx")) <= high


@pytest.mark.parametrize("name", MODELS)
def test_versions_and_interface(name: str) -> None:
    path = DIGITS / f"{name}.onnx"
    onnx.checker.check_model(path, full_check=True)  # pyright: ignore[reportUnknownMemberType]
    model = load(name, weights=False)
    assert (model.ir_version, [o.version for o in model.opset_import]) == (8, [17])
    interface = [*model.graph.input, *model.graph.output]
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in interface}
    assert shapes == {"image": [36, 1, 8, 8], "probabilities": [36, 10]}
    assert {w.name: list(w.dims) for w in model.graph.initializer} == WEIGHTS


def test_both_checkpoints_have_the_same_graph() -> None:
    model, better = (load(name, weights=False) for name in MODELS)
    for weight in (*model.graph.initializer, *better.graph.initializer):
        weight.ClearField("external_data")
    assert model == better
    assert all(node.name for node in model.graph.node)


@pytest.mark.parametrize("name", MODELS)
def test_weights_are_external_and_packed(name: str) -> None:
    end = 0
    for weight in load(name, weights=False).graph.initializer:
        entries = {e.key: e.value for e in weight.external_data}
        assert weight.data_location == onnx.TensorProto.EXTERNAL
        assert not weight.raw_data
        assert entries["location"] == f"{name}.weights"
        assert int(entries["offset"]) == end
        assert end % 64 == 0
        end += int(entries["length"])
    assert end == (DIGITS / f"{name}.weights").stat().st_size


def test_fine_tuning_kept_the_frozen_weight_only(train: dict[str, Any]) -> None:
    model, better = map(arrays, MODELS)
    equal = {name for name in WEIGHTS if np.array_equal(model[name], better[name])}
    assert equal == train["FROZEN"] == {"conv1.weight"}


@pytest.mark.parametrize("name", [name for name in WEIGHTS if name.endswith("weight")])
def test_each_weight_alone_is_worth_refreshing(name: str) -> None:
    """Lost or overwritten, any one of them shows in the accuracy."""
    model = load("better")
    for weight in model.graph.initializer:
        if weight.name == name:
            weight.raw_data = bytes(len(weight.raw_data))
    assert accuracy(model.SerializeToString()) < 0.5


@pytest.mark.parametrize("name", MODELS)
def test_numpy_agrees_with_onnx_runtime(name: str, train: dict[str, Any]) -> None:
    images, _ = heldout()
    tensors = train["forward"](arrays(name), images)
    model = load(name)
    model.graph.output.extend(onnx.ValueInfoProto(name=t) for t in tensors if t != "probabilities")
    for tensor, ours in tensors.items():
        theirs = run(model.SerializeToString(), images, tensor)
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5, err_msg=tensor)


@pytest.mark.parametrize("name", WEIGHTS)
def test_gradients_agree_with_differences(name: str, train: dict[str, Any]) -> None:
    images, labels = (x[:8] for x in heldout())
    weights = {n: w.astype(np.float64) for n, w in arrays("model").items()}
    digits = train["Digits"](images.astype(np.float64), labels)
    gradient = train["gradients"](weights, digits)[name].ravel()

    def loss(index: int, step: float) -> float:
        moved = weights[name].copy()
        moved.flat[index] += step
        tensors = train["forward"](weights | {name: moved}, digits.images)
        return -np.log(tensors["probabilities"][np.arange(8), labels]).mean()

    for i in np.linspace(0, gradient.size - 1, 5, dtype=int):
        difference = (loss(i, 1e-6) - loss(i, -1e-6)) / 2e-6
        assert difference == pytest.approx(gradient[i], abs=1e-8)
