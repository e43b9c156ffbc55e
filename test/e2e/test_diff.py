"""`python -m runtime.diff` finds the operator where the chosen precision hurts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import numpy_helper, parser

from runtime.diff.__main__ import main
from runtime.diff.compile import compile_both
from runtime.diff.measure import difference

HEADER = '<ir_version: 10, opset_import: ["": 17]> g '
OVERFLOWS = """(float[4, 8] x) => (float[4, 8] y) {
    [before] a = Tanh(x)
    [product] b = MatMul(a, w)
    [guilty] c = Mul(b, big)
    [after] d = Relu(c)
    [last] y = Tanh(d)
}"""
CANCELS = """(float[4, 8] x) => (float[4, 8] y) {
    [before] a = Tanh(x)
    [shifted] b = Add(a, big)
    [guilty] c = Sub(b, big)
    [after] d = Relu(c)
    [last] y = Tanh(d)
}""".replace("b, big", "b, same")
FINE = OVERFLOWS.replace("b, big", "b, small")
LOOPS = """(float[4, 8] x) => (float[4, 8] y) {
    n = Constant<value=int64 {3}>()
    go = Constant<value=bool {1}>()
    y = Loop(n, go, x) <
        body=b (int64 i, bool c, float[4, 8] v) => (bool c, float[4, 8] u) {
            [before] t = Tanh(v)
            [guilty] s = Mul(t, big)
            [after] u = Tanh(s)
        }
    >
}""".replace("=> (bool c,", "=> (bool d,").replace("[before]", "d = Identity(c) [before]")

Array = np.ndarray[Any, np.dtype[Any]]


def saved(text: str, folder: Path, big: float) -> Path:
    model = parser.parse_model(HEADER + text)
    weights = {
        "w": np.random.default_rng(1).standard_normal((8, 8)),
        "big": np.full((8,), big),
        "same": np.full((8,), big),
        "small": np.full((8,), 0.5),
    }
    for name, value in weights.items():
        if name in text:
            tensor = numpy_helper.from_array(value.astype(np.float32), name)
            model.graph.initializer.append(tensor)
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def table(out: str) -> list[list[str]]:
    """The rows of the table as words."""
    lines = out.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("operator "))
    last = next(i for i, line in enumerate(lines) if line.startswith("error: "))
    return [line.split() for line in lines[first + 1 : last]]


@pytest.mark.parametrize(
    "text, big, amplified",
    [(OVERFLOWS, 3e5, np.inf), (CANCELS, 600.0, 100), (LOOPS, 3e5, np.inf)],
    ids=["overflow", "cancellation", "in a loop"],
)
def test_the_guilty_operator_comes_first(
    text: str, big: float, amplified: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main([str(saved(text, tmp_path, big))]) == 0
    out = capsys.readouterr().out
    first, *others = table(out)
    assert first[0].endswith("guilty")
    assert float(first[-1]) >= amplified
    for row in others:
        assert row[-1] == "-" or float(row[-1]) < 10
    assert any(row[0].endswith("after") for row in others)
    assert "not in both" not in out


def test_a_tame_model_has_no_guilty_operator(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main([str(saved(FINE, tmp_path, 0))]) == 0
    out = capsys.readouterr().out
    assert all(float(row[-1]) < 3 for row in table(out))
    assert "cosine similarity 1.000000" in out.splitlines()[0]


def test_what_is_kept_is_exact(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    listed = tmp_path / "kept.txt"
    listed.write_text("guilty\nafter\nlast\n")
    assert main([str(saved(OVERFLOWS, tmp_path, 3e5)), f"--keep_dtype={listed}"]) == 0
    rows = {row[0]: row for row in table(capsys.readouterr().out)}
    assert float(rows["guilty"][-1]) < 3


def test_two_files_with_inputs_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    pair = [str(path) for path in compile_both(str(saved(CANCELS, tmp_path, 600)), [], tmp_path)]
    np.savez(tmp_path / "x.npz", x=np.zeros((4, 8)))
    assert main([*pair, f"--inputs={tmp_path / 'x.npz'}", "--top=1"]) == 0
    out = capsys.readouterr().out
    assert "error 0, largest difference 0, cosine similarity 1.000000" in out
    assert "… and 4 more (--top=0 shows all)" in out


@pytest.mark.parametrize(
    "arrays, told",
    [
        ({"z": np.zeros(3)}, "has no array 'x' for the input of that name, but z"),
        ({"x": np.zeros((3, 8))}, "'x' has shape [3, 8], not [4, 8]"),
        (None, "is not an .npz file"),
    ],
)
def test_inputs_that_do_not_fit(
    arrays: dict[str, Array] | None, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "x.npz"
    if arrays is None:
        path.write_bytes(b"no archive")
    else:
        np.savez(path, **arrays)  # pyright: ignore[reportArgumentType]  # one key is a flag's name
    assert main([str(saved(FINE, tmp_path, 0)), f"--inputs={path}"]) == 1
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, told",
    [
        (["a.om"], "name a second one"),
        (["a.om", "b.om", "--keep_dtype=x"], "is compiled already"),
        (["a.onnx", "b.om"], "name no second model"),
        (["none.onnx"], "(E10001): Value none.onnx for parameter --model is invalid"),
        (["none.om", "none.om"], "none.om"),
    ],
)
def test_errors_are_one_line(words: list[str], told: str, capsys: pytest.CaptureFixture[str]):
    assert main(words) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert told in line


def test_an_open_dimension_needs_a_shape(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    model = saved(FINE.replace("[4, 8]", "[N, 8]"), tmp_path, 0)
    assert main([str(model)]) == 1
    assert "--input_shape='x:" in capsys.readouterr().err
    assert main([str(model), "--input_shape=x:2,8"]) == 0


@pytest.mark.parametrize(
    "found, expected, error, cosine",
    [
        ([1.0, 0.0], [1.0, 0.0], 0, 1),
        ([0.0, 2.0], [2.0, 0.0], 2**0.5, 0),
        ([np.inf, 1.0], [1.0, 1.0], np.inf, 1),
        ([-np.inf, np.nan], [-np.inf, np.nan], 0, 1),
        ([np.nan, 1.0], [3.0, 4.0], np.inf, 1),
        ([1, 0, 1, 1], [1, 1, 1, 1], 0.5, 3 / 12**0.5),
        ([0.0], [0.0], 0, 1),
        ([], [], 0, 1),
    ],
)
def test_measures(found: list[float], expected: list[float], error: float, cosine: float):
    told = difference(np.array(found), np.array(expected))
    assert told is not None
    assert told.error == pytest.approx(error)
    assert told.cosine == pytest.approx(cosine)


def test_what_has_no_numbers_is_not_measured():
    assert difference(np.array(["a"], object), np.array(["a"], object)) is None
    assert difference(np.zeros(2), np.zeros(3)) is None
    assert difference([np.zeros(2)], [np.zeros(2)]) is None


def test_complex_numbers_are_measured_by_their_parts():
    told = difference(np.array([1 + 1j]), np.array([1 + 2j]))
    assert told is not None and told.largest == 1
