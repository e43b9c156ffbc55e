"""The offline pipeline proves kernels when it is asked to."""

from __future__ import annotations

from pathlib import Path

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import PassFailedException

from compiler.frontends.onnx import import_model
from compiler.pipelines import OfflinePass
from compiler.transforms.davinci import inject_sync
from dialects.davinci import KernelOp
from dialects.om import ModelOp

MODEL = Path(__file__).parents[3] / "examples" / "digits" / "model.onnx"


def _compiled(*, prove: bool) -> ModuleOp:
    module = import_model(str(MODEL))
    OfflinePass(prove=prove).apply(Context(), module)
    return module


@pytest.fixture
def no_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels without any flag."""

    def inject_none(kernel: KernelOp) -> None:
        pass

    monkeypatch.setattr(inject_sync, "inject_sync", inject_none)


def test_good_kernels_pass() -> None:
    assert any(isinstance(op, ModelOp) for op in _compiled(prove=True).body.block.ops)


@pytest.mark.usefixtures("no_flags")
def test_a_hazard_is_found() -> None:
    with pytest.raises(PassFailedException, match=r"reads what .* writes, without a flag"):
        _compiled(prove=True)


@pytest.mark.usefixtures("no_flags")
def test_nothing_is_proved_unasked() -> None:
    assert any(isinstance(op, ModelOp) for op in _compiled(prove=False).body.block.ops)
