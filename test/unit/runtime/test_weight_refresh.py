"""Variables that models share: sequences of runs against a dictionary, atomic updates, threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.device import Memory
from runtime.errors import AclError
from runtime.loaded_model import Buffer
from runtime.model_registry import Models

Array = npt.NDArray[Any]
Values = dict[str, Array | None]

X = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
SHAPES = {"w0": (3, 4), "w1": (4,)}
EMPTY = ((0,), (0, 3), (4, 0))


class Bundled:
    """A bundle of y = x · w0 + w1 whose models run by what they are for."""

    def __init__(self, data: bytes, *, faithful: bool = False) -> None:
        self.memory = Memory()
        self.models = Models(self.memory, faithful=faithful)
        self.id = self.models.load_bundle(data)
        self.infer_id, self.init_id, self.update_id = self.models.bundle(self.id).model_ids

    def buffer(self, value: Array, dims: tuple[int, ...] | None = None) -> Buffer:
        made = self.memory.allocate(max(value.nbytes, 1), capacity=value.nbytes + 64)
        made.memory[: value.nbytes] = np.frombuffer(value.tobytes(), np.uint8)
        return Buffer(made.address, value.nbytes, value.shape if dims is None else dims)

    def free(self, *buffers: Buffer) -> None:
        for buffer in buffers:
            self.memory.free(buffer.address)

    def init(self) -> None:
        self.models[self.init_id].execute([], [])

    def infer(self, model_id: int | None = None) -> Array:
        source, target = self.buffer(X), self.buffer(np.zeros((2, 4), np.float32))
        try:
            self.models[model_id or self.infer_id].execute([source], [target])
            found = self.memory.view(target.address, 32, "y").view(np.float32)
            return found.reshape(2, 4).copy()
        finally:
            self.free(source, target)

    def update(self, weights: Mapping[str, Array], empty: tuple[int, ...] = (0,)) -> None:
        none = np.zeros(0, np.float32)
        buffers = [
            self.buffer(weights[name]) if name in weights else self.buffer(none, empty)
            for name in SHAPES
        ]
        try:
            self.models[self.update_id].execute(buffers, [])
        finally:
            self.free(*buffers)


@pytest.fixture
def bundled(refresh_bundle: bytes) -> Bundled:
    return Bundled(refresh_bundle)


def expected(values: Mapping[str, Array | None]) -> Array | None:
    w0, w1 = values["w0"], values["w1"]
    return None if w0 is None or w1 is None else X @ w0 + w1


def weight(name: str) -> st.SearchStrategy[Array]:
    numbers = st.integers(-8, 8)
    return numbers.map(lambda n: np.full(SHAPES[name], n, np.float32) + np.arange(4, dtype="f4"))


Action = tuple[str, Any]
SUBSETS = st.fixed_dictionaries({}, optional={name: weight(name) for name in SHAPES})
ACTIONS: st.SearchStrategy[Action] = st.one_of(
    st.sampled_from([("init", None), ("infer", None), ("load", None), ("unload", None)]),
    st.tuples(st.just("update"), st.tuples(SUBSETS, st.sampled_from(EMPTY))),
    st.tuples(st.just("wrong"), st.sampled_from(list(SHAPES))),
)


def test_any_sequence_of_runs_does_what_a_dictionary_does(
    refresh_bundle: bytes, refresh_weights: dict[str, Array]
) -> None:
    @settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(ACTIONS, max_size=12))
    def follow(actions: list[Action]) -> None:
        bundled = Bundled(refresh_bundle)
        values: Values = dict.fromkeys(SHAPES)
        instances = [bundled.infer_id]
        for action in actions:
            _act(bundled, action, values, instances, refresh_weights)
        bundled.models.unload_bundle(bundled.id)
        assert bundled.memory.live == []

    follow()


def _act(
    bundled: Bundled,
    action: Action,
    values: Values,
    instances: list[int],
    begun: dict[str, Array],
) -> None:
    """Does something to the bundle and the same to the dictionary; all instances agree with it."""
    kind, argument = action
    if kind == "init":
        bundled.init()
        values.update(begun)
    elif kind == "update":
        bundled.update(*argument)
        values.update(argument[0])
    elif kind == "wrong":
        others = {name: np.zeros(shape, np.float32) for name, shape in SHAPES.items()}
        with pytest.raises(AclError):
            bundled.update(others | {argument: np.zeros((2, 2), np.float32)})
    elif kind == "load":
        instances.append(bundled.models.load_submodel(bundled.id, 0))
    elif kind == "unload" and len(instances) > 1:
        bundled.models.unload_submodel(bundled.id, instances.pop())
    for instance in instances:
        wanted = expected(values)
        if wanted is None:
            with pytest.raises(AclError, match="never written"):
                bundled.infer(instance)
        else:
            np.testing.assert_array_equal(bundled.infer(instance), wanted)


def test_two_updates_are_one_in_which_the_second_wins(refresh_bundle: bytes) -> None:
    @settings(max_examples=40, deadline=None)
    @given(SUBSETS, SUBSETS)
    def both(first: dict[str, Array], second: dict[str, Array]) -> None:
        found: list[Array] = []
        for updates in ((first, second), (first | second,)):
            bundled = Bundled(refresh_bundle)
            bundled.init()
            for update in updates:
                bundled.update(update)
            found.append(bundled.infer())
        np.testing.assert_array_equal(found[0], found[1])

    both()


BITS = np.array([0x7FC0BEEF, 0xFF800000, 0x00000001, 0x80000000], np.uint32)


def test_every_bit_of_a_weight_arrives(bundled: Bundled) -> None:
    """A NaN's payload, an infinity, a denormal and a negative zero."""
    bundled.update({"w1": BITS.view(np.float32)})
    contents = bundled.models.bundle(bundled.id).session.current.contents
    (held,) = [content.memory.view(np.uint32) for content in contents.values()]
    assert held.tolist() == BITS.tolist()


def test_an_update_that_fails_on_its_way_changes_nothing(
    bundled: Bundled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between two weights, whatever ends it."""
    bundled.init()
    before, used = bundled.infer(), bundled.memory.used
    copyto, calls = np.copyto, iter([False, True])

    def broken(*args: Any, **kwargs: Any) -> None:
        if next(calls, False):
            raise KeyboardInterrupt
        copyto(*args, **kwargs)

    new = {name: np.ones(shape, np.float32) for name, shape in SHAPES.items()}
    with monkeypatch.context() as patch:
        patch.setattr("runtime.executor.dynamic.np.copyto", broken)
        with pytest.raises(KeyboardInterrupt):
            bundled.update(new)
    np.testing.assert_array_equal(bundled.infer(), before)
    bundled.update(new)
    np.testing.assert_array_equal(bundled.infer(), X @ new["w0"] + 1)
    assert bundled.memory.used <= used + 1000  # memory of one version waits for the next


def test_memory_does_not_grow_with_updates(bundled: Bundled) -> None:
    bundled.init()
    new = {name: np.ones(shape, np.float32) for name, shape in SHAPES.items()}
    bundled.update(new)
    used = bundled.memory.used
    for _ in range(50):
        bundled.update(new)
    assert bundled.memory.used == used


def test_an_update_without_memory_for_it_leaves_the_old_version(bundled: Bundled) -> None:
    bundled.init()
    before = bundled.infer()
    new = {name: np.ones(shape, np.float32) for name, shape in SHAPES.items()}
    buffers = [bundled.buffer(new[name]) for name in SHAPES]
    total, bundled.memory.total = bundled.memory.total, bundled.memory.used
    with pytest.raises(AclError, match="cannot allocate 48 bytes"):
        bundled.models[bundled.update_id].execute(buffers, [])
    bundled.memory.total = total
    np.testing.assert_array_equal(bundled.infer(), before)


class Checked(threading.Thread):
    """A thread whose exception is the test's."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__()
        self._work = work
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self.error = error

    def finish(self) -> None:
        self.join()
        if self.error is not None:
            raise self.error


@pytest.fixture
def often() -> Iterator[None]:
    """Threads take turns every few instructions."""
    import sys

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_faithful_buffers_count_as_their_tensor_says(refresh_bundle: bytes) -> None:
    """More bytes than the weight has are left over, and fewer go on with what is behind them."""
    bundled = Bundled(refresh_bundle, faithful=True)
    bundled.init()
    w0, more = (np.arange(12, dtype="f4").reshape(3, 4) - n for n in (5, 6))
    wide = np.arange(4, dtype=np.float64) + 0.3
    bundled.update({"w0": w0, "w1": wide})
    np.testing.assert_array_equal(bundled.infer(), X @ w0 + wide.view(np.float32)[:4])
    zeros = np.zeros(4, np.float32)
    buffers = [bundled.buffer(value) for value in (more, zeros)]
    buffers[0].size -= 16
    bundled.models[bundled.update_id].execute(buffers, [])
    np.testing.assert_array_equal(bundled.infer(), X @ more)


@pytest.mark.parametrize("faithful", [False, True])
def test_inputs_that_are_too_many_or_too_few(refresh_bundle: bytes, faithful: bool) -> None:
    """GraphEngine's codes: one for static models, another for dynamic ones."""
    bundled = Bundled(refresh_bundle, faithful=faithful)
    none = bundled.buffer(np.zeros(0, np.float32), (0,))
    for model_id, count, code in (
        (bundled.init_id, 1, 500002),
        (bundled.infer_id, 0, 500002),
        (bundled.update_id, 1, 100000),
        (bundled.update_id, 3, 100000),
    ):
        with pytest.raises(AclError, match=f"{count} inputs given") as refused:
            bundled.models[model_id].execute([none] * count, [])
        assert refused.value.code == code


@pytest.mark.usefixtures("often")
def test_threads_that_infer_see_whole_updates(bundled: Bundled) -> None:
    versions = [
        {name: np.full(shape, n, np.float32) for name, shape in SHAPES.items()} for n in range(3)
    ]
    known = {expected_bytes(version) for version in versions}
    bundled.update(versions[0])
    done = threading.Event()

    def infer() -> None:
        while not done.is_set():
            assert bundled.infer().tobytes() in known

    threads = [Checked(infer) for _ in range(3)]
    for thread in threads:
        thread.start()
    for count in range(150):
        bundled.update(versions[count % 3])
        if count % 10 == 0:
            with suppress(AclError):
                bundled.update({"w0": versions[count % 3]["w0"], "w1": np.zeros(3, np.float32)})
    done.set()
    for thread in threads:
        thread.finish()


def expected_bytes(values: Mapping[str, Array]) -> bytes:
    return (X @ values["w0"] + values["w1"]).tobytes()


@pytest.mark.usefixtures("often")
def test_one_model_runs_in_several_threads_at_a_time(
    static_builder: Callable[..., Any],
) -> None:
    builder = static_builder()
    builder.data("x", np.float32, [64])
    last = "x"
    for place in range(20):
        builder.kernel(f"a{place}", "Add", [last, "x"], (np.float32, [64]))
        last = f"a{place}"
    builder.output(last)
    models = Models(Memory())
    model = models[models.load(builder.pack())]

    def run(start: int) -> Callable[[], None]:
        def work() -> None:
            for number in range(start, start + 60):
                x = np.full(64, number, np.float32)
                assert model.run([x])[0].tolist() == (21 * x).tolist()

        return work

    threads = [Checked(run(1000 * n)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.finish()
    models.clear()
    assert models.memory.live == []


def test_a_model_in_memory_of_the_callers_runs_one_by_one(
    static_builder: Callable[..., Any],
) -> None:
    from runtime.load_model import GivenMemory

    builder = static_builder()
    builder.data("x", np.float32, [4])
    builder.kernel("y", "Relu", ["x"], (np.float32, [4]))
    builder.output("y")
    models = Models(Memory())
    work = models.memory.allocate(1 << 16).memory
    model = models[models.load(builder.pack(), GivenMemory(work=work))]
    used = models.memory.used

    def run() -> None:
        for number in range(50):
            assert model.run([np.full(4, number, np.float32)])[0].tolist() == [number] * 4

    threads = [Checked(run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.finish()
    assert models.memory.used == used


# What GraphEngine does, and we do when told to be faithful.


@pytest.fixture
def faithful(refresh_bundle: bytes) -> Bundled:
    return Bundled(refresh_bundle, faithful=True)


def test_faithful_inference_before_initialisation_is_undefined(faithful: Bundled) -> None:
    assert np.isnan(faithful.infer()).all()


def test_faithful_updates_are_not_atomic(faithful: Bundled) -> None:
    faithful.init()
    ones = np.ones((3, 4), np.float32)
    with pytest.raises(AclError, match="cannot assign"):
        faithful.update({"w0": ones, "w1": np.zeros(3, np.float32)})
    np.testing.assert_array_equal(faithful.infer(), X @ ones + [1, 2, 3, 4])


def test_faithful_updates_fill_a_weight_with_one_element(faithful: Bundled) -> None:
    faithful.init()
    faithful.update({"w0": np.array([7], np.float32), "w1": np.zeros(4, np.float32)})
    np.testing.assert_array_equal(faithful.infer(), X @ np.full((3, 4), 7, np.float32))


def test_faithful_updates_take_any_bytes_for_the_weights_type(
    faithful: Bundled, refresh_weights: dict[str, Array]
) -> None:
    faithful.init()
    faithful.update({"w1": np.array([1, 2, 3, 4], np.int32)})
    wanted = X @ refresh_weights["w0"] + np.array([1, 2, 3, 4], np.int32).view(np.float32)
    np.testing.assert_array_equal(faithful.infer(), wanted)


def test_faithful_updates_need_no_memory(faithful: Bundled) -> None:
    faithful.init()
    used = faithful.memory.used
    faithful.update({name: np.ones(shape, np.float32) for name, shape in SHAPES.items()})
    assert faithful.memory.used == used


def test_runs_of_one_model_go_side_by_side(add_om: bytes) -> None:
    """Each run is in the middle when the other is: one after the other they would wait for ever."""
    models = Models(Memory())
    model = models[models.load(add_om)]
    both, one = threading.Barrier(2, timeout=20), np.ones((2, 3), np.float32)

    def run(number: int) -> Callable[[], None]:
        def work() -> None:
            x = one * number

            def take(outputs: list[Array]) -> Array:
                both.wait()
                return outputs[0].copy()

            assert (model.taken([x, x], take) == 2 * number).all()

        return work

    threads = [Checked(run(number)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.finish()
