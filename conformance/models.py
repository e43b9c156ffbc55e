"""Compiles and runs real architectures (examples/models), and compares with ONNX Runtime."""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from compiler.frontends.onnx import ImportOptions
from conformance.compiled import compiled
from examples.models.weights import fill
from runtime.loaded_model import Model

FOLDER = Path(__file__).parents[1] / "examples" / "models"
SIZES: tuple[Mapping[str, int], ...] = (
    {"batch": 1, "sequence": 7, "past": 5, "decoded": 4, "texts": 2, "images": 1},
    {"batch": 3, "sequence": 12, "past": 8, "decoded": 6, "texts": 1, "images": 3},
)
"""What a dynamic dimension is in the first run of a dynamic model, and in the second."""
VOCABULARY = 100
RELATIVE, ABSOLUTE = 1e-3, 1e-5
"""An element of a model in its own types: |found - expected| ≤ ABSOLUTE + RELATIVE · |expected|."""
FP16 = 2e-2
"""A model in force_fp16: the largest difference over the largest expected element."""

Array = npt.NDArray[Any]
Way = Literal["dynamic", "fixed", "fp16"]
WAYS: tuple[Way, ...] = ("dynamic", "fixed", "fp16")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one way to compile a model: seconds, difference, and why it fails, if so.

    `difference`: the largest one of any element over the largest expected element of its output.
    """

    model: str
    way: Way
    compile: float = 0.0
    run: float = 0.0
    difference: float = 0.0
    reason: str = ""


class Example:
    """A committed graph with its weights drawn, its inputs, and what ONNX Runtime makes of them."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.path = fill(FOLDER / f"{name}.onnx", folder)
        model = onnx.ModelProto.FromString(self.path.read_bytes())
        self.nodes = len(model.graph.node)
        self.inputs = [self._arrays(model.graph, sizes) for sizes in SIZES]
        session = onnxruntime.InferenceSession(self.path)
        start = perf_counter()
        self.expected = [_reference(session, inputs) for inputs in self.inputs]
        self.reference = perf_counter() - start

    def _arrays(self, graph: onnx.GraphProto, sizes: Mapping[str, int]) -> dict[str, Array]:
        return {
            value.name: _drawn(value.name, value.type.tensor_type, sizes) for value in graph.input
        }

    def result(self, way: Way) -> Result:
        """Compile, load and run it, once with fixed shapes or at all sizes."""
        sizes = range(len(SIZES)) if way == "dynamic" else range(1)
        try:
            start = perf_counter()
            model = self._compiled(way)
            loaded = perf_counter()
            found = [model.run(list(self.inputs[size].values())) for size in sizes]
            ran = perf_counter()
        except Exception as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
            return Result(self.name, way, reason=reason)
        pairs = [
            pair
            for size, arrays in zip(sizes, found, strict=True)
            for pair in zip(arrays, self.expected[size], strict=True)
        ]
        difference, reason = compare(pairs, way)
        return Result(self.name, way, loaded - start, ran - loaded, difference, reason)

    def _compiled(self, way: Way) -> Model:
        shapes = {name: array.shape for name, array in self.inputs[0].items()}
        options = ImportOptions(input_shapes={} if way == "dynamic" else shapes)
        precision = "force_fp16" if way == "fp16" else "must_keep_origin_dtype"
        return compiled(self.path, self.path.with_name(f"{self.name}_{way}"), precision, options)


def _drawn(name: str, type: onnx.TypeProto.Tensor, sizes: Mapping[str, int]) -> Array:
    """An input: token numbers, a mask that ends in padding, or normal numbers; its name is the
    seed."""
    shape = [dim.dim_value or _size(dim.dim_param, sizes) for dim in type.shape.dim]
    draw = np.random.default_rng(zlib.crc32(name.encode()))
    if type.elem_type == onnx.TensorProto.FLOAT:
        return draw.normal(size=shape).astype(np.float32)
    if "mask" in name:
        ones = np.ones(shape, np.int64)
        ones[-1, -2:] = 0
        return ones
    return draw.integers(2 if "type" in name else VOCABULARY, size=shape)


def _size(name: str, sizes: Mapping[str, int]) -> int:
    """The size of a dimension such as `past + 1`."""
    return sum(int(part) if part.isdigit() else sizes[part] for part in re.split(r" *\+ *", name))


def _reference(session: Any, inputs: Mapping[str, Array]) -> list[Array]:
    return [np.asarray(value) for value in session.run(None, dict(inputs))]


def compare(pairs: Sequence[tuple[Array, Array]], way: Way) -> tuple[float, str]:
    """The largest difference of outputs found and expected, and what is wrong with them."""
    worst, reason = 0.0, ""
    for found, expected in pairs:
        if found.shape != expected.shape:
            return np.inf, f"an output has shape {found.shape}, not {expected.shape}"
        scale = float(np.abs(expected).max()) or 1.0
        difference = float(np.abs(found.astype(np.float64) - expected).max()) / scale
        worst = max(worst, difference if np.isfinite(difference) else np.inf)
        if way == "fp16" and not difference <= FP16:
            reason = f"differs by {difference:.1e} of the largest element"
        if way != "fp16" and not np.allclose(found, expected, rtol=RELATIVE, atol=ABSOLUTE):
            reason = f"differs by {difference:.1e} of the largest element"
    return worst, reason


def names(pattern: str = "") -> list[str]:
    """The committed models whose names match a regular expression from their beginning."""
    return [path.stem for path in sorted(FOLDER.glob("*.onnx")) if re.match(pattern, path.stem)]


def results(pattern: str = "") -> Iterator[tuple[Example, list[Result]]]:
    """Each model with its results in every way."""
    with TemporaryDirectory() as folder:
        for name in names(pattern):
            example = Example(name, Path(folder))
            yield example, [example.result(way) for way in WAYS]


def _cells(result: Result) -> str:
    if result.reason and not result.compile:
        return f"{'fails':>20}"
    flag = "!" if result.reason else " "
    return f"{result.compile:6.2f} {result.run:6.2f} {result.difference:6.0e}{flag}"


def main() -> None:
    """Print the table, the failures, and the figures against the goals."""
    onnxruntime.set_default_logger_severity(3)  # pyright: ignore[reportUnknownMemberType]
    heads = "".join(f" | {way:>20}" for way in WAYS)
    columns = " | compile    run   diff " * len(WAYS)
    print(f"{'model':<24} nodes   ORT{heads}\n{'':<24}           {columns}")
    found: list[Result] = []
    for example, ways in results("|".join(sys.argv[1:])):
        cells = " | ".join(map(_cells, ways))
        print(
            f"{example.name:<24} {example.nodes:5} {example.reference:5.2f} | {cells}", flush=True
        )
        found += ways
    for result in found:
        if result.reason:
            print(f"{result.model} {result.way}: {result.reason}")
    good = sum(not result.reason for result in found)
    exact = max((r.difference for r in found if r.way != "fp16" and not r.reason), default=0)
    half = max((r.difference for r in found if r.way == "fp16" and not r.reason), default=0)
    print(
        f"models: {good} of {len(found)} agree with ONNX Runtime (all); largest difference "
        f"{exact:.0e} (rtol {RELATIVE}, atol {ABSOLUTE}), in fp16 {half:.0e} (≤ {FP16})"
    )
    sys.exit(good != len(found))


if __name__ == "__main__":
    main()
