"""A small model of three layers and its checkpoints: weights that change."""

# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import onnx
import safetensors
import safetensors.numpy
from onnx import helper, numpy_helper

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"
Arrays: TypeAlias = Mapping[str, Array]


def layers() -> dict[str, Array]:
    """The weights of `save_model`; two of them are equal, so that a bundle has them once."""
    generator = np.random.default_rng(7)
    weights = {
        "up.weight": generator.standard_normal((24, 16)),
        "up.bias": np.zeros(24),
        "square": generator.standard_normal((24, 24)),
        "mid.bias": np.zeros(24),
        "down": generator.standard_normal((24, 8)),
        "down.bias": np.zeros(8),
    }
    return {name: value.astype(np.float32) for name, value in weights.items()}


def save_model(path: Path, weights: Arrays, *, external: bool = False, extra: str = "Relu") -> Path:
    """x[2, 16] → Gemm (transB) → Relu → MatMul, Add → MatMul, Add, with those weights."""
    kind = helper.np_dtype_to_tensor_dtype(next(iter(weights.values())).dtype)
    nodes = [
        helper.make_node("Gemm", ["x", "up.weight", "up.bias"], ["a"], "up", transB=1),
        helper.make_node(extra, ["a"], ["b"], "act"),
        helper.make_node("MatMul", ["b", "square"], ["c"], "/mid/square/MatMul"),
        helper.make_node("Add", ["c", "mid.bias"], ["m"], "mid"),
        helper.make_node("MatMul", ["m", "down"], ["d"], "/mid/down/MatMul"),
        helper.make_node("Add", ["d", "down.bias"], ["y"], "add"),
    ]
    graph = helper.make_graph(
        nodes,
        "layers",
        [helper.make_tensor_value_info("x", kind, [2, 16])],
        [helper.make_tensor_value_info("y", kind, [2, 8])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(
        model,
        path,
        save_as_external_data=external,
        location=f"{path.name}.data",
        size_threshold=0,
    )
    return path


def weights_of(path: Path) -> dict[str, Array]:
    """What onnx reads of a model."""
    return {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}


def same(one: Arrays, other: Arrays) -> bool:
    """Whether two checkpoints are equal bit for bit."""
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype
        and one[name].shape == other[name].shape
        and one[name].tobytes() == other[name].tobytes()
        for name in one
    )


def load_file(path: Path) -> dict[str, Array]:
    """What the safetensors library reads of a file."""
    return cast("Any", safetensors.numpy).load_file(path)


def save_file(tensors: Arrays, path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Let the safetensors library write a file."""
    cast("Any", safetensors.numpy).save_file(dict(tensors), path, metadata)


def open_file(path: Path) -> Any:
    """A file as the safetensors library opens it."""
    return cast("Any", safetensors).safe_open(path, "np")
