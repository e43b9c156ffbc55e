"""Manifests: the same after a round through text, exact digests, and one line for a damaged one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from compiler.om.attributes import set_attribute
from compiler.om.contract import MANIFEST_NAME
from compiler.om.errors import OMError
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.manifest import (
    Manifest,
    RefreshableWeight,
    Tensor,
    read_manifest,
    version_digest,
)
from compiler.om.writer import CompiledModel, lay_out_model, pack_bundle, pack_om

ONES, TWOS = "1" * 64, "2" * 64


def weight(
    onnx: str, index: int, digest: str, shape: tuple[int, ...] = (2, 3)
) -> RefreshableWeight:
    return RefreshableWeight(
        onnx=onnx,
        variable=f"{onnx}_var",
        input=f"{onnx}_var_data",
        index=index,
        dtype="DT_FLOAT",
        shape=shape,
        format="ND",
        sha256=digest,
        sources=(Tensor(onnx, "DT_FLOAT", shape, digest),),
    )


MANIFEST = Manifest((weight("ß", 0, ONES), weight("a", 1, TWOS, ())))


def test_text_and_back():
    assert Manifest.from_json(MANIFEST.to_json(), "x") == MANIFEST


def test_names_that_are_no_unicode_survive():
    manifest = Manifest((weight("w\udcff", 0, ONES),))
    assert Manifest.from_json(manifest.to_json(), "x") == manifest
    assert manifest.version == hashlib.sha256(b"w\xff " + b"1" * 64 + b"\n").hexdigest()


def test_version_is_the_digest_of_sorted_lines():
    lines = f"a {TWOS}\nß {ONES}\n".encode()
    assert MANIFEST.version == hashlib.sha256(lines).hexdigest()
    assert version_digest({"ß": ONES, "a": TWOS}) == MANIFEST.version


def changed(**fields: Any) -> str:
    """The manifest as text, its first weight with other fields."""
    told = json.loads(MANIFEST.to_json())
    told["weights"][0] |= fields
    return json.dumps(told)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "Expecting value"),
        ("[]", "list indices"),
        ('{"format": 2}', "form 2, this program reads form 1"),
        ('{"format": 1}', "KeyError 'weights'"),
        (changed(index=1), "not in the order of the inputs"),
        (changed(variable="a_var"), "two weights have one name"),
        (changed(sha256=TWOS), "'ß' has other sources, and no recipe"),
        (changed(dtype="f32"), "'ß' has no known type"),
        (changed(sha256="1" * 63), "no digest of 64 digits"),
        (changed(shape=[-1]), r"'ß' has the shape \[-1\]"),
        (changed(input=3), "no text"),
        (changed(more=3), "more"),
        (changed(sources=[]), "'ß' has other sources, and no recipe"),
    ],
)
def test_damaged_text_is_one_line(text: str, message: str):
    with pytest.raises(OMError, match=f"^b.om: its manifest .* damaged: .*{message}"):
        Manifest.from_json(text, "b.om")


def test_one_source_means_one_tensor():
    first, second = MANIFEST.weights
    other = replace(second.sources[0], onnx="ß")
    folded = replace(second, sources=(second.sources[0], other), recipe="x")
    with pytest.raises(OMError, match="one source is told in two ways"):
        Manifest.from_json(Manifest((first, folded)).to_json(), "x")


def test_it_is_read_from_whichever_model_of_the_bundle_has_it(static_model: CompiledModel):
    told = ModelDef()
    told.CopyFrom(static_model.model_def)
    set_attribute(told.attr[MANIFEST_NAME], MANIFEST.to_json())
    models = [static_model, replace(static_model, model_def=told)]
    assert read_manifest(pack_bundle(0, [lay_out_model(m) for m in models])) == MANIFEST


def test_what_has_no_manifest_is_told(static_model: CompiledModel):
    bundle = pack_bundle(0, [lay_out_model(static_model)] * 2)
    with pytest.raises(OMError, match=r"b\.om: the bundle has no manifest"):
        read_manifest(bundle, name="b.om")
    with pytest.raises(OMError, match=r"m\.om: a single model, a bundle is needed"):
        read_manifest(pack_om(static_model), name="m.om")
