"""Merged weights against exact arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.errors import UserError
from compiler.refresh.merging import Factor, Merged, rounded
from compiler.weights import CHUNK, Inline, numpy_dtype, values


def nearest(exact: Fraction, dtype: Any) -> float:
    """The nearest value of a type, even on ties, by trying the neighbours of a guess."""
    guess = np.array(float(exact)).astype(np.float32).astype(dtype)
    below, above = (np.nextafter(guess, np.array(side, dtype)) for side in (-np.inf, np.inf))
    candidates = [c for c in (below, guess, above) if np.isfinite(c)]
    bits = {1: np.uint8, 2: np.uint16, 4: np.uint32}[np.dtype(dtype).itemsize]
    return float(
        min(candidates, key=lambda c: (abs(Fraction(float(c)) - exact), int(c.view(bits)) & 1))
    )


@settings(deadline=None)
@given(st.floats(-1e4, 1e4), st.sampled_from(["f32", "f16", "bf16"]))
def test_rounding_is_to_the_nearest(value: float, dtype: str) -> None:
    found = rounded(np.array([value]), dtype)
    assert float(found[0]) == nearest(Fraction(value), numpy_dtype(dtype))


def test_rounding_to_bfloat16_is_one_step() -> None:
    """Just above the middle of two values: by way of float32 it would be the middle, and even."""
    value = 1 + 2**-8 + 2**-40
    assert float(np.float32(value)) == 1 + 2**-8
    assert float(rounded(np.array([value]), "bf16")[0]) == 1 + 2**-7
    for special in (np.inf, -np.inf, 0.0, -0.0, 1e-45, 3e38, -1e300, 2**-149 * 1.5):
        with np.errstate(over="ignore"):
            wanted = np.float32(special).astype(ml_dtypes.bfloat16)
        assert rounded(np.array([special]), "bf16")[0].tobytes() == wanted.tobytes()
    assert np.isnan(rounded(np.array([np.nan]), "bf16").astype(np.float32))[0]


def factor(values: np.ndarray[Any, Any], dtype: str) -> Factor:
    rows, columns = values.shape
    return Factor(Inline(values.astype(numpy_dtype(dtype)).tobytes()), dtype, rows, columns)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", ["f64", "f32", "f16", "bf16"])
def test_the_sum_is_rounded_once(dtype: str, transposed: bool) -> None:
    generator = np.random.default_rng(3)
    numpy = numpy_dtype(dtype)
    outputs, inputs, rank, scale = 5, 7, 3, 1.5
    w = generator.standard_normal((outputs, inputs)).astype(numpy)
    a, b = (
        generator.standard_normal(s).astype(np.float16) for s in ((rank, inputs), (outputs, rank))
    )
    base = np.ascontiguousarray(w.T if transposed else w)
    merged = Merged(
        "w", Inline(base.tobytes()), dtype, factor(a, "f16"), factor(b, "f16"), scale, transposed
    )
    found = np.frombuffer(b"".join(merged.chunks()), numpy).reshape(base.shape)
    for row, column in np.ndindex(w.shape):
        products = (Fraction(float(b[row, k])) * Fraction(float(a[k, column])) for k in range(rank))
        exact = Fraction(float(w[row, column])) + Fraction(scale) * sum(products)
        got = float(found[column, row] if transposed else found[row, column])
        if dtype == "f64":
            assert abs(Fraction(got) - exact) < Fraction(1, 10**14)
        else:
            assert got == nearest(exact, numpy)
    assert merged.length == base.nbytes


def test_rows_that_chunks_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(3)
    w = generator.standard_normal((40, 33)).astype(np.float32)
    a, b = generator.standard_normal((2, 33)), generator.standard_normal((40, 2))
    merged = Merged("w", Inline(w.tobytes()), "f32", factor(a, "f64"), factor(b, "f64"), 2.0, False)
    whole = b"".join(merged.chunks())
    assert np.allclose(np.frombuffer(whole, np.float32).reshape(w.shape), w + 2 * b @ a)
    assert CHUNK % (33 * 4), "rows do not end where chunks do"

    def split(view: memoryview, size: int = 500) -> Iterator[memoryview]:
        return (view[start : start + 500] for start in range(0, len(view), 500))

    monkeypatch.setattr(values, "split", split)
    pieces = list(merged.chunks())
    assert len(pieces) > 5 and b"".join(pieces) == whole


def test_what_the_type_has_no_room_for() -> None:
    w = np.full((1, 1), 60000, np.float16)
    one = np.ones((1, 1))
    merged = Merged(
        "w", Inline(w.tobytes()), "f16", factor(one, "f32"), factor(one, "f32"), 1e5, False
    )
    with pytest.raises(UserError, match="'w' has values, once merged, that f16 lacks"):
        list(merged.chunks())
