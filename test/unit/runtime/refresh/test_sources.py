"""New weights on their way into memory: in several threads, from any layout, from files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from compiler.safetensors import TensorRef, write_safetensors
from compiler.weights import Inline
from runtime.refresh import Bundle, sources

Array = npt.NDArray[Any]

X = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
NEW = np.arange(12, dtype=np.float32).reshape(3, 4) ** 2
LAYOUTS = {
    "rows": NEW,
    "columns": np.asfortranarray(NEW),
    "backwards": np.ascontiguousarray(NEW[::-1])[::-1],
    "a part": np.repeat(NEW, 2, axis=1)[:, ::2],
}


@pytest.fixture(params=["alone", "in threads"])
def bundle(
    request: pytest.FixtureRequest, refresh_bundle: bytes, monkeypatch: pytest.MonkeyPatch
) -> Bundle:
    if request.param == "in threads":
        monkeypatch.setattr(sources, "ALONE", 1)
        monkeypatch.setattr(sources, "CHUNK", 8)
    return Bundle.load(refresh_bundle)


def product(bundle: Bundle) -> Array:
    (y,) = bundle.infer({"x": X}).values()
    return y


@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_of_any_layout(layout: str, copy: bool, bundle: Bundle) -> None:
    bundle.update({"w0": LAYOUTS[layout], "w1": np.zeros(4, np.float32)}, copy=copy)
    np.testing.assert_array_equal(product(bundle), X @ NEW)


def test_what_becomes_of_copied_arrays_reaches_no_model(bundle: Bundle) -> None:
    new = NEW.copy()
    bundle.update({"w0": new, "w1": np.zeros(4, np.float32)})
    new[:] = -1
    np.testing.assert_array_equal(product(bundle), X @ NEW)


def test_files(bundle: Bundle, tmp_path: Path) -> None:
    path, zeros = tmp_path / "w.safetensors", np.zeros(4, np.float32)
    tensors = {"w0": NEW, "w1": zeros}
    write_safetensors(
        path, [TensorRef(n, "f32", w.shape, Inline(w.tobytes())) for n, w in tensors.items()]
    )
    bundle.update(path)
    np.testing.assert_array_equal(product(bundle), X @ NEW)


@pytest.mark.parametrize("copy", [True, False])
def test_scalars(copy: bool, scalar_bundle: bytes) -> None:
    with Bundle.load(scalar_bundle) as bundle:
        new = np.array(2.5, np.float32)
        bundle.update({"s": new}, copy=copy)
        (y,) = bundle.infer({"x": np.ones(2, np.float32)}).values()
        np.testing.assert_array_equal(y, np.full(2, 3.5, np.float32))
        assert bundle.digests() == {"s": hashlib.sha256(new.tobytes()).hexdigest()}
