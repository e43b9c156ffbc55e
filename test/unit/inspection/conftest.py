"""The digits classifier as offline models of every form, and `ascend-opt om` to look at them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from compiler.cli import main

DIGITS = Path(__file__).parents[3] / "examples" / "digits" / "model.onnx"
REFRESH = 'refresh="conv1.weight","fc2.bias"'
OPTIONS = {
    "inside": "",
    "files": "external_weight=1",
    "combined": "external_weight=2",
    "reference": "external_weight=reference precision=must_keep_origin_dtype",
    "bundle": REFRESH,
    "bundle with files": f"{REFRESH} external-weight=1",
}


@pytest.fixture(params=OPTIONS)
def form(request: pytest.FixtureRequest) -> str:
    """Each form in turn: a key of `built`."""
    return str(request.param)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The digits classifier in every form, each in a folder of its own."""
    found: dict[str, Path] = {}
    for name, options in OPTIONS.items():
        output = tmp_path_factory.mktemp(name) / "m"
        arguments = [str(DIGITS), "-p", f"offline{{{options}}}", "-t", f'om{{output="{output}"}}']
        assert main(arguments) == 0
        found[name] = output.with_suffix(".om")
    return found


@pytest.fixture
def om(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, list[str]]]:
    """A command's exit code and the lines it prints, on stderr if there are none on stdout."""

    def run(*arguments: object) -> tuple[int, list[str]]:
        capsys.readouterr()
        code = main(["om", *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, (out or err).splitlines()

    return run
