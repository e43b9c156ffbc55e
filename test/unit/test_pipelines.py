"""What the options of `offline` become for the passes it is made of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest
from xdsl.dialects.builtin import ModuleOp, StringAttr

from compiler.context import context
from compiler.errors import UserError
from compiler.frontends.onnx import import_model
from compiler.om.contract import LOCATION_NAME
from compiler.om.errors import GraphError
from compiler.pipelines import OfflinePass
from dialects.ge import FileConstantOp

DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "model.onnx"
ODD = 'a "b" \\ {c=d,e}\n\t\r é'


def compiled(pipeline: OfflinePass) -> ModuleOp:
    module = import_model(str(DIGITS))
    pipeline.apply(context(), module)
    return module


def test_a_model_may_have_any_name():
    module = compiled(OfflinePass(model=ODD, external_weight=2))
    constants = [op for op in module.walk() if isinstance(op, FileConstantOp)]
    files = {op.attributes[LOCATION_NAME] for op in constants}
    assert files == {StringAttr(f"{ODD}_weight_combined")}


@pytest.mark.parametrize("form", ["original", "compiled"])
def test_a_weight_may_have_any_name(form: Literal["original", "compiled"]):
    told = re.escape(" ".join(ODD.split()))
    with pytest.raises(UserError, match=f"no weight is called '{told}'"):
        compiled(OfflinePass(refresh=(ODD,), refresh_form=form))


@pytest.mark.parametrize(
    ("pipeline", "fault"),
    [
        (OfflinePass(init=False), "offline: init=false is for refreshable weights: choose some by"),
        (OfflinePass(refresh_form="compiled"), "offline: refresh_form=compiled is for refreshable"),
        (OfflinePass(refresh_above=-1), "weights above -1 bytes: a number of bytes is 0 or more"),
    ],
)
def test_options_of_refresh_that_mean_nothing(pipeline: OfflinePass, fault: str):
    with pytest.raises((UserError, GraphError), match=fault):
        compiled(pipeline)
