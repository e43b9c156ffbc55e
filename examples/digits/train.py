"""Trains a small digit classifier; writes model.onnx, better.onnx, their .weights and heldout.npz.
Only this script needs scikit-learn (dependency group `generate`), for its handwritten digits."""

from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

FOLDER = Path(__file__).parent
SEED = 0
HELD_OUT = 360  # ten batches of the model's 36 images
LEARNING_RATE, MOMENTUM, BATCH = 0.02, 0.9, 32
EARLY_STEPS, FINE_TUNING_STEPS = 45, 1350
FROZEN = {"conv1.weight"}  # fine-tuning keeps the first layer's filters

LAYERS = {  # name: shape of the weight, length of the bias
    "conv1": ((16, 1, 3, 3), 16),
    "conv2": ((32, 16, 3, 3), 32),
    "fc1": ((64, 128), 64),  # [out, in], as Gemm with transB reads it
    "fc2": ((64, 10), 10),  # [in, out], as MatMul reads it
}
# ONNX's text form (onnx/docs/Syntax.md): [node name] result = Operator <attributes> (inputs).
MODEL = """
<ir_version: 8, opset_import: ["": 17], producer_name: "examples/digits/train.py">
digits (float[36, 1, 8, 8] image) => (float[36, 10] probabilities) {
  [conv1] conv1 = Conv <kernel_shape=[3,3], pads=[1,1,1,1]> (image, "conv1.weight", "conv1.bias")
  [relu1] relu1 = Relu (conv1)
  [pool1] pool1 = MaxPool <kernel_shape=[2,2], strides=[2,2]> (relu1)
  [conv2] conv2 = Conv <kernel_shape=[3,3], pads=[1,1,1,1]> (pool1, "conv2.weight", "conv2.bias")
  [relu2] relu2 = Relu (conv2)
  [pool2] pool2 = MaxPool <kernel_shape=[2,2], strides=[2,2]> (relu2)
  [flatten] flatten = Flatten <axis=1> (pool2)
  [fc1] fc1 = Gemm <transB=1> (flatten, "fc1.weight", "fc1.bias")
  [relu3] relu3 = Relu (fc1)
  [fc2] fc2 = MatMul (relu3, "fc2.weight")
  [fc2_bias] logits = Add (fc2, "fc2.bias")
  [softmax] probabilities = Softmax <axis=-1> (logits)
}
"""

Array = NDArray[np.floating]
Tensors = dict[str, Array]


class Digits(NamedTuple):
    """Images, [N, 1, 8, 8] in 0…1, and the digit, 0…9, on each."""

    images: Array
    labels: NDArray[np.int64]


def load_digits() -> tuple[Digits, Digits]:
    """1437 digits to train on and 360 held out, with the same share of each class.

    Source: E. Alpaydin and C. Kaynak, https://archive.ics.uci.edu/dataset/80.
    """
    # Imported by name: type checkers see scikit-learn only where the group is installed.
    pixels, labels = import_module("sklearn.datasets").load_digits(return_X_y=True)
    images = (pixels.reshape(-1, 1, 8, 8) / 16).astype(np.float32)
    split = import_module("sklearn.model_selection").train_test_split
    some, others, some_labels, other_labels = split(
        images, labels.astype(np.int64), test_size=HELD_OUT, stratify=labels, random_state=SEED
    )
    return Digits(some, some_labels), Digits(others, other_labels)


def initial_weights(rng: Generator) -> Tensors:
    """He initialisation: normal weights of variance 2 / inputs of a neuron, zero biases."""
    weights: Tensors = {}
    for layer, (shape, neurons) in LAYERS.items():
        deviation = np.sqrt(2 * neurons / np.prod(shape))
        weights[f"{layer}.weight"] = rng.normal(0, deviation, shape).astype(np.float32)
        weights[f"{layer}.bias"] = np.zeros(neurons, np.float32)
    return weights


def windows(x: Array) -> Array:
    """Every zero-padded 3×3 neighbourhood of [N, C, H, W]: a view [N, C, H, W, 3, 3]."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))


def convolve(x: Array, weight: Array) -> Array:
    """3×3 convolution, padding 1, of [N, C, H, W] with [O, C, 3, 3]."""
    return np.einsum("nchwij,ocij->nohw", windows(x), weight, optimize=True)


def pool(x: Array) -> Array:
    """2×2 maximum, stride 2, of [N, C, H, W]."""
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).max(axis=(3, 5))


def forward(weights: Tensors, images: Array) -> Tensors:
    """What the model computes for [N, 1, 8, 8] images, by the tensor names of MODEL."""
    w, t = weights, Tensors()
    conv1 = convolve(images, w["conv1.weight"]) + w["conv1.bias"][:, None, None]
    t["relu1"] = np.maximum(conv1, 0)
    t["pool1"] = pool(t["relu1"])
    conv2 = convolve(t["pool1"], w["conv2.weight"]) + w["conv2.bias"][:, None, None]
    t["relu2"] = np.maximum(conv2, 0)
    t["pool2"] = pool(t["relu2"])
    t["flatten"] = t["pool2"].reshape(len(images), -1)
    t["relu3"] = np.maximum(t["flatten"] @ w["fc1.weight"].T + w["fc1.bias"], 0)
    t["logits"] = t["relu3"] @ w["fc2.weight"] + w["fc2.bias"]
    exponentials = np.exp(t["logits"] - t["logits"].max(axis=1, keepdims=True))
    t["probabilities"] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return t


def unpool(gradient: Array, relu: Array, pooled: Array) -> Array:
    """The gradient before Relu and MaxPool: each positive maximum gets it, equal ones share it."""
    n, c, h, w = pooled.shape
    gradient, pooled = (x.reshape(n, c, h, 1, w, 1) for x in (gradient, pooled))
    blocks = relu.reshape(n, c, h, 2, w, 2)
    chosen = (blocks == pooled) & (blocks > 0)
    shares = chosen.sum(axis=(3, 5), keepdims=True, dtype=np.float32)
    return (chosen * gradient / np.maximum(shares, 1)).reshape(relu.shape)


def gradients(weights: Tensors, digits: Digits) -> Tensors:
    """The gradient of the mean cross-entropy in every weight, by name."""
    images, labels = digits
    t = forward(weights, images)
    logits = (t["probabilities"] - np.eye(10, dtype=np.float32)[labels]) / len(labels)
    fc1 = (logits @ weights["fc2.weight"].T) * (t["relu3"] > 0)
    conv2 = unpool(fc1 @ weights["fc1.weight"], t["relu2"], t["pool2"])
    # What a convolution sends back is a convolution with its filters turned by 180 degrees.
    pool1 = convolve(conv2, weights["conv2.weight"].transpose(1, 0, 2, 3)[:, :, ::-1, ::-1])
    conv1 = unpool(pool1, t["relu1"], t["pool1"])
    return {
        "conv1.weight": np.einsum("nchwij,nohw->ocij", windows(images), conv1, optimize=True),
        "conv1.bias": conv1.sum(axis=(0, 2, 3)),
        "conv2.weight": np.einsum("nchwij,nohw->ocij", windows(t["pool1"]), conv2, optimize=True),
        "conv2.bias": conv2.sum(axis=(0, 2, 3)),
        "fc1.weight": fc1.T @ t["flatten"],
        "fc1.bias": fc1.sum(axis=0),
        "fc2.weight": t["relu3"].T @ logits,
        "fc2.bias": logits.sum(axis=0),
    }


def train(weights: Tensors, data: Digits, rng: Generator, steps: int, frozen: set[str]) -> Tensors:
    """A copy of the weights after so many steps of gradient descent with momentum."""
    weights = {name: weight.copy() for name, weight in weights.items()}
    velocity = {name: np.zeros_like(weight) for name, weight in weights.items()}
    for _ in range(steps):
        batch = rng.choice(len(data.images), BATCH, replace=False)
        gradient = gradients(weights, Digits(data.images[batch], data.labels[batch]))
        for name in weights.keys() - frozen:
            velocity[name] = MOMENTUM * velocity[name] - LEARNING_RATE * gradient[name]
            weights[name] += velocity[name]
    return weights


def accuracy(weights: Tensors, digits: Digits) -> float:
    """The share of images whose most probable digit is the right one."""
    predictions = forward(weights, digits.images)["probabilities"].argmax(axis=1)
    return float((predictions == digits.labels).mean())


def save(weights: Tensors, path: Path) -> None:
    """Write the .onnx and, beside it, the .weights file with every weight's raw bytes.

    ONNX recommends 4096-byte offsets, to map each weight by itself; that would add a third to
    the file. Packed in this order each starts a 64-byte cache line, enough where all is mapped.
    """
    model = onnx.parser.parse_model(MODEL)
    model.graph.initializer.extend(onnx.numpy_helper.from_array(w, n) for n, w in weights.items())
    data = path.with_suffix(".weights")
    data.write_bytes(b"")  # onnx appends to the file that is there
    # onnx's stubs leave the type argument of PathLike open.
    onnx.save_model(  # pyright: ignore[reportUnknownMemberType]
        model, path, save_as_external_data=True, location=data.name, size_threshold=0
    )
    onnx.checker.check_model(path, full_check=True)  # pyright: ignore[reportUnknownMemberType]


def main() -> None:
    """Train both checkpoints, write them and the held-out digits, and print the accuracies."""
    rng = default_rng(SEED)
    digits, heldout = load_digits()
    early = train(initial_weights(rng), digits, rng, EARLY_STEPS, frozen=set())
    better = train(early, digits, rng, FINE_TUNING_STEPS, FROZEN)
    np.savez_compressed(FOLDER / "heldout.npz", images=heldout.images, labels=heldout.labels)
    for name, weights in {"model.onnx": early, "better.onnx": better}.items():
        save(weights, FOLDER / name)
        print(f"{name}: {accuracy(weights, heldout):.1%} of the held-out digits")


if __name__ == "__main__":
    try:
        main()
    except ModuleNotFoundError as error:
        raise SystemExit(f"train.py needs {error.name}: pip install --group generate") from None
