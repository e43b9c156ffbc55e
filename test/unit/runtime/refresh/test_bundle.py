"""Bundles that serve from Python: updates, versions, and errors before any byte is written."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from compiler.om.buffers import Held
from compiler.om.writer import pack_bundle
from compiler.safetensors import TensorRef, write_safetensors
from compiler.weights import Inline
from runtime.device import Memory
from runtime.errors import AclError
from runtime.refresh import Bundle
from runtime.refresh.weights import onnx_names

Array = npt.NDArray[Any]

X = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
W0 = np.arange(12, dtype=np.float32).reshape(3, 4)
W1 = np.array([1, 2, 3, 4], np.float32)


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def bundle(refresh_bundle: bytes, memory: Memory) -> Bundle:
    """y = x · w0 + w1, without a manifest: its weights go by the names of their constants."""
    return Bundle.load(refresh_bundle, memory=memory)


def infer(bundle: Bundle) -> tuple[Array, str]:
    answer = bundle.infer({"x": X})
    (y,) = answer.values()
    return y, answer.version


def test_updates_and_versions(bundle: Bundle) -> None:
    y, version = infer(bundle)
    assert (version, bundle.versions) == ("compiled", ("compiled",))
    np.testing.assert_array_equal(y, X @ W0 + W1)
    assert bundle.update({"w0": -W0}, "turned") == "turned"
    y, version = infer(bundle)
    assert version == "turned"
    np.testing.assert_array_equal(y, X @ -W0 + W1)
    third = bundle.update({"w1": W1 * 10})
    np.testing.assert_array_equal(infer(bundle)[0], X @ -W0 + W1 * 10)
    assert bundle.versions == ("compiled", "turned", third)
    bundle.activate("compiled")
    np.testing.assert_array_equal(infer(bundle)[0], X @ W0 + W1)
    assert bundle.rollback() == third
    assert bundle.rollback() == "turned"
    assert infer(bundle)[1] == "turned"
    assert bundle.rollback() == "compiled"
    with pytest.raises(AclError, match=f"to roll back to: activate one of turned, {third}$"):
        bundle.rollback()
    bundle.forget("turned")
    bundle.forget(third)
    with pytest.raises(AclError, match="to roll back to: no other is kept"):
        bundle.rollback()


def test_an_answer_stays_what_it_was(bundle: Bundle) -> None:
    y, _ = infer(bundle)
    kept = y.copy()
    for _ in range(4):
        bundle.update({"w0": W0 + 1, "w1": W1 + 1})
        infer(bundle)
    np.testing.assert_array_equal(y, kept)


def test_weights_that_are_not_named_are_shared_between_versions(
    refresh_bundle: bytes, memory: Memory
) -> None:
    bundle = Bundle.load(refresh_bundle, memory=memory)
    used = memory.used
    for number in range(5):
        bundle.update({"w1": W1 * number}, f"n{number}")
    assert memory.used == used + 5 * W1.nbytes
    for number in range(4):
        bundle.forget(f"n{number}")
    assert memory.used == used + 2 * W1.nbytes  # n4, and one piece for the next update
    bundle.close()
    assert memory.live == []


def test_only_the_last_versions_without_a_name_are_kept(bundle: Bundle) -> None:
    names = [bundle.update({"w1": W1 + n}) for n in range(4)]
    assert bundle.versions == ("compiled", *names[-2:])
    with pytest.raises(AclError, match=f"no version '{names[0]}' is kept; there are compiled, "):
        bundle.activate(names[0])


def test_an_update_of_nothing_makes_no_version(bundle: Bundle) -> None:
    first, second = (bundle.update({"w1": W1 + n}) for n in range(2))
    assert bundle.update({}) == second
    assert bundle.versions == ("compiled", first, second)
    assert bundle.update({}, name="mine") == "mine" and bundle.rollback() == second


def test_the_version_that_was_active_last_is_kept(bundle: Bundle) -> None:
    first, second = (bundle.update({"w1": W1 + n}) for n in range(2))
    bundle.activate(first)
    bundle.update({"w1": W1}, "mine")
    third = bundle.update({"w1": W1 + 3})
    assert bundle.versions == ("compiled", first, "mine", third)
    assert second not in bundle.versions
    assert (bundle.rollback(), bundle.rollback()) == ("mine", first)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"w0": W0, "w1": W1[:3]}, r"'w1' is float32\[4\], float32\[3\] was given"),
        ({"w0": W0, "w1": W1[:1]}, r"'w1' is float32\[4\], float32\[1\] was given"),
        ({"w0": W0, "w1": W1.reshape(2, 2)}, r"float32\[2, 2\] was given"),
        ({"w0": W0, "w1": W1[:0]}, r"float32\[0\] was given"),
        ({"w0": W0, "w1": W1.astype(np.float16)}, r"float16\[4\] was given"),
        ({"w0": W0, "w1": W1.astype(">f4")}, r">f4\[4\] was given"),
        ({"w0": W0, "w1": 1.0}, r"float64\[\] was given"),
        ({"w0": W0, "w2": W1}, r"called 'w2' \(there are 2, such as w0, w1\)"),
    ],
)
def test_what_does_not_fit_changes_nothing(
    given: dict[str, Array], fault: str, bundle: Bundle
) -> None:
    with pytest.raises(AclError, match=fault) as refused:
        bundle.update(given)
    assert "no weight has been changed" in str(refused.value)
    assert bundle.versions == ("compiled",)
    np.testing.assert_array_equal(infer(bundle)[0], X @ W0 + W1)


@pytest.mark.parametrize(
    ("inputs", "fault"),
    [
        ({}, r"the inputs are \['x'\], \[\] were given"),
        ({"x": X, "z": X}, r"\['x', 'z'\] were given"),
        ({"x": X[:1]}, r"input 0 'x' is float32\[2, 3\], float32\[1, 3\] was given"),
        ({"x": X.astype(np.float64)}, r"float64\[2, 3\] was given"),
    ],
)
def test_inputs_that_are_not_the_models(inputs: dict[str, Array], fault: str, bundle: Bundle):
    with pytest.raises(AclError, match=fault):
        bundle.infer(inputs)


def test_names_of_versions_are_given_once(bundle: Bundle) -> None:
    bundle.update({"w1": W1}, "mine")
    with pytest.raises(AclError, match="there is a version 'mine' already"):
        bundle.update({"w1": W1}, "mine")
    with pytest.raises(AclError, match="'mine' is active"):
        bundle.forget("mine")
    with pytest.raises(AclError, match="the name of a version is empty"):
        bundle.update({"w1": W1}, "")
    bundle.activate("compiled")
    bundle.forget("mine")
    bundle.update({"w1": W1}, "mine")


def test_a_scalar_is_set_to_zero(scalar_bundle: bytes) -> None:
    with Bundle.load(scalar_bundle) as bundle:
        with pytest.raises(AclError, match="s_var were never written"):
            bundle.infer({"x": np.ones(2, np.float32)})
        assert (bundle.version, bundle.versions) == ("", ())
        for value in (5, 0, 1e-9):
            bundle.update({"s": np.float32(value)})
            (y,) = bundle.infer({"x": np.ones(2, np.float32)}).values()
            assert y.tolist() == (np.ones(2, np.float32) + np.float32(value)).tolist()


def save(path: Path, **weights: Array) -> Path:
    write_safetensors(
        path, [TensorRef(n, "f32", w.shape, Inline(w.tobytes())) for n, w in weights.items()]
    )
    return path


def test_weights_come_from_safetensors(bundle: Bundle, tmp_path: Path) -> None:
    bundle.update(save(tmp_path / "w.safetensors", w0=-W0, w1=W1 * 2))
    np.testing.assert_array_equal(infer(bundle)[0], X @ -W0 + W1 * 2)
    (tmp_path / "w.safetensors").write_bytes(b"")
    np.testing.assert_array_equal(infer(bundle)[0], X @ -W0 + W1 * 2)


SPOILT: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda data: data[:-1], "its tensors end at byte"),
    (lambda data: b"", "not a safetensors file"),
    (lambda data: data.replace(b'"F32"', b'"I32"', 1), r"is float32\[\d.*int32.* was given"),
    (lambda data: data.replace(b'"w1"', b'"w3"'), "called 'w3'"),
]


@pytest.mark.parametrize(("spoil", "fault"), SPOILT)
def test_files_that_do_not_fit_change_nothing(
    spoil: Callable[[bytes], bytes], fault: str, bundle: Bundle, tmp_path: Path
) -> None:
    path = save(tmp_path / "w.safetensors", w0=-W0, w1=W1 * 2)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(AclError, match=fault):
        bundle.update(str(path))
    with pytest.raises(AclError, match=r"is a folder, .* `ascend-opt refresh make` makes"):
        bundle.update(tmp_path)
    assert infer(bundle)[1] == "compiled"


def test_a_file_that_changes_while_it_is_read_changes_nothing(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "w.safetensors", w0=-W0, w1=W1 * 2)
    preadv = os.preadv

    def late(descriptor: int, buffers: Any, offset: int) -> int:
        count = preadv(descriptor, buffers, offset)
        with path.open("r+b") as file:
            file.seek(-4, 2)
            file.write(b"????")
        return count

    monkeypatch.setattr(os, "preadv", late)
    with pytest.raises(AclError, match="chang"):
        bundle.update(path)
    assert infer(bundle)[1] == "compiled"


def test_bundles_are_files_as_well(refresh_bundle: bytes, tmp_path: Path) -> None:
    (tmp_path / "b.om").write_bytes(refresh_bundle)
    with Bundle.load(tmp_path / "b.om") as bundle:
        np.testing.assert_array_equal(infer(bundle)[0], X @ W0 + W1)
    with pytest.raises(AclError, match="No such file"):
        Bundle.load(tmp_path / "c.om")
    with pytest.raises(AclError, match="not an offline model"):
        Bundle.load(b"?" * 1000)


def test_a_bundle_that_does_not_load_leaves_nothing(memory: Memory) -> None:
    with pytest.raises(AclError, match="has no models"):
        Bundle.load(pack_bundle(1024, []), memory=memory)
    with pytest.raises(AclError):
        Bundle.load(pack_bundle(1024, [Held(b"no model" * 100)]), memory=memory)
    assert memory.live == []


def test_runs_that_have_begun_outlive_the_bundle(bundle: Bundle, memory: Memory) -> None:
    model = bundle._infer  # pyright: ignore[reportPrivateUsage]
    taken = model.taken([X], lambda outputs: (bundle.close(), outputs[0].copy())[1])
    np.testing.assert_array_equal(taken, X @ W0 + W1)
    calls: list[Callable[[], object]] = [
        lambda: bundle.infer({"x": X}),
        lambda: bundle.update({"w1": W1}),
        lambda: bundle.activate("compiled"),
        bundle.rollback,
        bundle.digests,
        bundle.close,
    ]
    for call in calls:
        with pytest.raises(AclError, match="the bundle is closed"):
            call()
    assert memory.live == []


def test_faithful_bundles_are_updated_as_graphengine_does(refresh_bundle: bytes) -> None:
    with Bundle.load(refresh_bundle, faithful=True) as bundle:
        bundle.update({"w1": np.ones(1, np.float32)})
        np.testing.assert_array_equal(infer(bundle)[0], X @ W0 + 1)
        assert bundle.versions == ()
        with pytest.raises(AclError, match="cannot assign"):
            bundle.update({"w0": -W0, "w1": W1[:3]})
        np.testing.assert_array_equal(infer(bundle)[0], X @ -W0 + 1)


def test_faithful_bundles_say_what_is_in_memory(refresh_bundle: bytes) -> None:
    with Bundle.load(refresh_bundle, faithful=True) as bundle:
        assert bundle.digests() == {"w0": hash_of(W0), "w1": hash_of(W1)}
        assert bundle.update({"w1": -W1}) == infer(bundle)[1] == bundle.version == ""
        assert bundle.digests() == {"w0": hash_of(W0), "w1": hash_of(-W1)}


def test_faithful_bundles_swallow_no_name(refresh_bundle: bytes) -> None:
    with Bundle.load(refresh_bundle, faithful=True) as bundle:
        with pytest.raises(AclError, match=r"called 'w2' \(there are 2, such as"):
            bundle.update({"w1": -W1, "w2": W1})
        with pytest.raises(AclError, match="no versions to be called 'mine'"):
            bundle.update({"w1": -W1}, name="mine")
        np.testing.assert_array_equal(infer(bundle)[0], X @ W0 + W1)


@pytest.mark.parametrize(
    ("told", "short"),
    [
        (["PartitionedCall_/fc2/Gemm_add_4:0:y"], ["y"]),
        (["split:0:a:0", "split:1:b:0"], ["a:0", "b:0"]),
        (["a:0:y", "b:0:y", "b:1:z"], ["a:0:y", "b:0:y", "z"]),
        (["output_0_y_0", "y:0", "y:0:"], ["output_0_y_0", "y:0", "y:0:"]),
    ],
)
def test_outputs_go_by_their_onnx_names(told: list[str], short: list[str]) -> None:
    assert onnx_names(told) == short


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"engine": "gpu"}, "engine=gpu: the engines are operator and kernel"),
        ({"keep": -5}, "keep=-5: the number of versions to keep is 0 or more"),
    ],
)
def test_options_that_there_are_not(
    options: dict[str, Any], fault: str, refresh_bundle: bytes
) -> None:
    with pytest.raises(AclError, match=fault):
        Bundle.load(refresh_bundle, **options)


def hash_of(array: Array) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


class Late:
    """An array that is there when an inference has ended."""

    def __init__(self, infer: Callable[[], Any], value: Array) -> None:
        self._infer, self._value = infer, value

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        thread = threading.Thread(target=self._infer)
        thread.start()
        thread.join(20)
        assert not thread.is_alive(), "the inference waits for the update"
        return self._value


def test_inference_waits_for_no_update(bundle: Bundle) -> None:
    seen: list[tuple[Array, str]] = []
    bundle.update({"w0": W0, "w1": Late(lambda: seen.append(infer(bundle)), W1 * 2)}, "new")
    [(y, version)] = seen
    assert version == "compiled"
    np.testing.assert_array_equal(y, X @ W0 + W1)
    assert infer(bundle)[1] == "new"
