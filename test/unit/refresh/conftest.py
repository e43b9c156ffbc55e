"""The commands of `ascend-opt refresh`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from compiler.commands import run_command


@pytest.fixture
def refresh(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run `ascend-opt refresh …`; what it printed."""

    def run(*arguments: object) -> str:
        capsys.readouterr()
        assert run_command(["refresh", *map(str, arguments)]) == 0
        captured = capsys.readouterr()
        return captured.out + captured.err

    return run
