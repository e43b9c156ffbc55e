"""A bundle refreshed to another checkpoint, and rolled back, answers as what is compiled afresh."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.checkpoints import FORMS, Form, case, findings, plain_answer
from conformance.models import Example


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["bert_dynamo", "gpt2_script", "llama_dynamo", "resnet_dynamo"])
def test_another_checkpoint_and_back(name: str, form: Form, tmp_path: Path) -> None:
    """In float16, with batch norms folded, embeddings that a classifier shares, rotations."""
    example = Example(name, tmp_path)
    made = case(name, example.path, example.inputs[0])
    fresh = plain_answer(made, tmp_path, "force_fp16") if form == "compiled" else b""
    assert not findings(made, tmp_path, "force_fp16", form, fresh).wrong
