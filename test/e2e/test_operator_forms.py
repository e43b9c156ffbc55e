# pyright: reportUnknownMemberType=false
"""Forms of operators that ONNX's own suite has no case of, on the device and in ONNX Runtime.

ONNX Runtime takes and gives what it likes, which strict typing does not know.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, parser

from conformance.backend import OfflineBackend

Array = npt.NDArray[Any]

FORMS = [
    (9, "(float[4,6] x) => (float[4,2] y) {y = Slice<starts=[-5], ends=[3], axes=[1]>(x)}"),
    (9, "(float[4,6] x) => (float[2,5] y) {y = Slice<starts=[1,0], ends=[3,-1]>(x)}"),
    (
        13,
        "(float[4,6] x) => (float[a,b] y) <int64[1] s={-1}, int64[1] e={-99}, int64[1] d={1},"
        " int64[1] t={-2}> {y = Slice(x, s, e, d, t)}",
    ),
    (11, "(float[6] x) => (float[2] y, float[4] z) {y, z = Split<axis=0, split=[2,4]>(x)}"),
    (11, "(float[2,6] x) => (float[2,3] y, float[2,3] z) {y, z = Split<axis=-1>(x)}"),
    (13, "(float[6] x) => (float[1] y, float[5] z) <int64[2] s={1,5}> {y, z = Split(x, s)}"),
    (18, "(float[5] x) => (float[a] y, float[b] z) {y, z = Split<num_outputs=2>(x)}"),
    (18, "(float[n] x) => (float[a] y, float[b] z) {y, z = Split<num_outputs=2>(x)}"),
    *[
        (10, f'(float[3,4] x) => (float[a,b] y) {{y = Pad<{mode}pads=[1,0,2,1]>(x)}}')
        for mode in ("value=1.5, ", 'mode="reflect", ', 'mode="edge", ')
    ],
    (10, "(float[3,4] x) => (float[a,b] y) {y = Pad<pads=[1,-1,0,-2]>(x)}"),
    (
        18,
        "(float[2,3] x) => (float[a,b] y) <int64[2] p={1,2}, float c={7}, int64[1] a={-1}>"
        " {y = Pad(x, p, c, a)}",
    ),
    (9, "(float[2,5] x) => (float[2,2] y, int64[2,2] z) {y, z = TopK<k=2>(x)}"),
    (11, "(float[5,2] x) => (float[2,2] y, int64[2,2] z) <int64[1] k={2}>"
         " {y, z = TopK<axis=0, largest=0>(x, k)}"),
    (12, "(float[3,4] x) => (int64[3] y) {y = ArgMax<axis=1, keepdims=0>(x)}"),
    (12, "(bool[9] b) => (int64[1] y) {x = Cast<to=1>(b) y = ArgMin<select_last_index=1>(x)}"),
    (11, "(float[2,3] x) => (float[a] y) <bool[4] c={0,1,1,0}> {y = Compress(x, c)}"),
    (11, "(float[2,3] x) => (float[2,a] y) <bool[2] c={0,1}> {y = Compress<axis=1>(x, c)}"),
    (11, "(int64[7] i) => (float[7,3] y) <int64 d={3}, float[2] v={2,5}> {y = OneHot(i, d, v)}"),
    (11, "(int64[7] i) => (float[3,7] y) <int64[1] d={3}, float[2] v={2,5}>"
         " {y = OneHot<axis=0>(i, d, v)}"),
    (9, "(float[2,3,4] x) => (float[3] y) {y = ReduceLogSum<axes=[0,2], keepdims=0>(x)}"),
    (18, "(float[2,3,4] x) => (float[2,1,4] y) <int64[1] a={1}> {y = ReduceL2(x, a)}"),
    (18, "(float[2,3] x) => (float[a,b] y) {y = ReduceSumSquare<noop_with_empty_axes=1>(x)}"),
    (18, "(float[2,3] x) => (float y) {y = ReduceL1<keepdims=0>(x)}"),
    (9, "(float[3,4] x) => (float[3,4] y) {y = EyeLike<k=1>(x)}"),
    (9, "(float[3,5] x) => (int32[3,5] y) {y = EyeLike<k=-1, dtype=6>(x)}"),
    (9, "(float[n,5] x) => (double[n,5] y) {y = EyeLike<dtype=11>(x)}"),
    (11, "(int64[7] i) => (int64[a] y, int64[b] f, int64[7] v, int64[a] n)"
         " {y, f, v, n = Unique<sorted=0>(i)}"),
    (11, "(int64[7] i) => (int64[a] y, int64[a] n) {y, , , n = Unique<sorted=0>(i)}"),
    (16, "(float[2,3] x) => (float[2,3] y) <int64[2,1] i={1,0}, float[2,3] u={1,2,3,4,5,6}>"
         ' {y = ScatterND<reduction="add">(x, i, u)}'),
    (12, "(float[2,3,4] x) => (float[2,4] y) <int64[2,1] i={2,-1}>"
         " {y = GatherND<batch_dims=1>(x, i)}"),
    (12, "(float[2,3,4] x, int64[2,4] i) => (float z) <float[3] w={1,2,3}>"
         " {y = Identity(x) t = Abs(i) k = Min(t, t) h = Constant<value_int=2>()"
         " m = Min(k, h) z = NegativeLogLikelihoodLoss<ignore_index=1>(y, m, w)}"),
    (12, "(float[6,3] x, int64[6] i) => (float z, float[6,3] p) {t = Abs(i)"
         " h = Constant<value_int=2>() m = Min(t, h) z, p = SoftmaxCrossEntropyLoss(x, m)}"),
    (12, "(float16[2,3] x) => (float16[2,3] y, bool[2,3] m) {y, m = Dropout(x)}"),
    *[
        (11, "(float[2,20,4] b, float[2,3,20] s) => (int64[n,3] y) <int64 k={4}, float t={0.2},"
             f" float u={{-1}}> {{y = NonMaxSuppression{more}(b, s, k, t, u)}}")
        for more in ("", "<center_point_box=1>")
    ],
]  # fmt: skip


def inputs_of(model: onnx.ModelProto) -> dict[str, Array]:
    """Numbers of few values, so that there are ties; dimensions without a size are 5."""
    rng = np.random.default_rng(0)
    return {
        value.name: rng.integers(-4, 5, [dim.dim_value or 5 for dim in tensor.shape.dim]).astype(
            helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        )
        for value in model.graph.input
        for tensor in [value.type.tensor_type]
    }


@pytest.mark.parametrize(("opset", "text"), FORMS, ids=lambda value: str(value)[-60:])
def test_agrees_with_onnx_runtime(opset: int, text: str) -> None:
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["": {opset}]> g {text}')
    feed = inputs_of(model)
    session: Any = ort.InferenceSession(model.SerializeToString())
    expected = session.run(None, feed)
    got = OfflineBackend.prepare(model).run(list(feed.values()))
    for result, reference in zip(got, expected, strict=True):
        assert result.dtype == reference.dtype
        np.testing.assert_allclose(result, reference, rtol=1e-5)


def test_seeds_repeat_and_the_rest_is_random() -> None:
    text = """(float[200,300] x) => (float[200,300] n, float[200,300] u, int32[200,50] m,
              float[200,300] b, float[200,300] r, float[200,300] c) {
        n = RandomNormalLike<mean=2.0, scale=3.0, seed=4.0>(x)
        u = RandomUniform<shape=[200,300], low=-1.0, high=3.0>()
        m = Multinomial<sample_size=50>(x)
        h = Constant<value_float=0.25>()
        z = Sub(x, x)
        p = Add(z, h)
        b = Bernoulli(p)
        c = Bernoulli(p)
        r = RandomNormal<shape=[200,300]>()
    }"""
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["": 18]> g {text}')
    loaded = OfflineBackend.prepare(model)
    logits = np.full((200, 300), -np.inf, np.float32)
    logits[:, 7], logits[:, 9] = 0, np.log(3)
    feed = [np.where(np.isinf(logits), np.float32(-1e4), logits)]
    first, second = (loaded.run(feed) for _ in range(2))
    same = [np.array_equal(a, b) for a, b in zip(first, second, strict=True)]
    assert same == [True, False, False, False, False, False]
    normal, uniform, drawn, bernoulli, standard, other = (np.asarray(y, np.float64) for y in first)
    assert not np.array_equal(bernoulli, other)
    assert (normal.mean(), normal.std()) == pytest.approx((2, 3), abs=0.05)
    assert (uniform.mean(), uniform.min(), uniform.max()) == pytest.approx((1, -1, 3), abs=0.05)
    assert np.mean(drawn == 9) == pytest.approx(0.75, abs=0.02)
    assert set(drawn.flat) == {7, 9}
    assert bernoulli.mean() == pytest.approx(0.25, abs=0.01)
    assert (standard.mean(), standard.std()) == pytest.approx((0, 1), abs=0.02)


DRAWN = [
    "Bernoulli<{}>(p)",
    "Dropout<{}>(p, h, t)",
    "Multinomial<sample_size=9{}>(p)",
    "RandomNormal<shape=[7,9]{}>()",
    "RandomNormalLike<{}>(x)",
    "RandomUniform<shape=[7,9]{}>()",
    "RandomUniformLike<{}>(x)",
]


def drawn_twice(form: str, seed: str, shape: str) -> list[list[Array]]:
    """The results of two executions of each of two loads of a model."""
    seed = f", {seed}" if seed and "=" in form else seed
    form = form if seed else form.replace("<{}>", "{}")
    text = f"""(float[{shape}] x) => (y) <float h={{0.5}}, bool t={{1}}>
        {{p = Sigmoid(x) y = {form.format(seed)}}}"""
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["": 18]> g {text}')
    feed = [np.zeros((7, 9), np.float32)]
    loaded = [OfflineBackend.prepare(model) for _ in range(2)]
    return [[np.asarray(one.run(feed)[0]) for _ in range(2)] for one in loaded]


@pytest.mark.parametrize("shape", ["7,9", "n,9"])
@pytest.mark.parametrize("form", DRAWN)
def test_random_numbers_are_those_of_the_seed(form: str, shape: str) -> None:
    drawn = [
        np.asarray(drawn_twice(form, f"seed={seed}", shape)).reshape(4, -1)
        for seed in (("0", "1") if "Dropout" in form else ("0.0", "0.5", "1.0", "1e30"))
    ]
    for runs in drawn:
        assert (runs == runs[0]).all()
    assert len({runs[0].tobytes() for runs in drawn}) == len(drawn)


@pytest.mark.parametrize("shape", ["7,9", "n,9"])
@pytest.mark.parametrize("form", DRAWN)
def test_without_a_seed_a_program_draws_the_same_numbers_again(form: str, shape: str) -> None:
    first, second = drawn_twice(form, "", shape)
    assert np.array_equal(first, second)
    assert not np.array_equal(first[0], first[1])
