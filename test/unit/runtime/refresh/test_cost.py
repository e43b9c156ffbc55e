"""`python -m runtime.refresh.cost`: what refreshable weights cost, predicted and measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compiler.cli import main as ascend_opt
from runtime.refresh.cost import FORMS, main, measure

DIGITS = Path(__file__).parents[4] / "examples" / "digits" / "model.onnx"


def test_predicted_beside_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert ascend_opt(["refresh", "explain", str(DIGITS), "--cost", "--json"]) == 0
    predicted = json.loads(capsys.readouterr().out)["microseconds"]
    assert main([str(DIGITS), "--repeats", "2"]) == 0
    title, *lines = capsys.readouterr().out.splitlines()
    assert title.split()[:2] == ["refresh_form", "predicted"] and len(lines) == len(FORMS)
    for form, line in zip(FORMS, lines, strict=True):
        assert line.startswith(form)
        simulated, more, measured, _ = line.removeprefix(form).split()
        assert float(simulated) == round(predicted.get(form, predicted["compiled"]), 1)
        percent = 100 * (predicted.get(form, predicted["compiled"]) / predicted["compiled"] - 1)
        assert more == f"{percent:+.1f}%"
        assert float(measured) > 0


def test_what_does_not_compile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.onnx")]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("runtime.refresh.cost: ") and "none.onnx" in line


def test_runs_take_turns() -> None:
    seen: list[str] = []
    times = measure({name: lambda name=name: seen.append(name) for name in "ab"}, 3)
    assert seen == list("ababab") and times.keys() == {"a", "b"}
