"""Loading and running models and bundles on the device, below the ACL interface."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compiler.om.buffers import Held
from compiler.om.errors import OMError, Status
from compiler.om.inout import InOutInfo, TensorInfo
from compiler.om.writer import pack_bundle
from runtime.device import Memory
from runtime.errors import AclError, from_om
from runtime.loaded_model import Buffer
from runtime.model_registry import Models

Array = npt.NDArray[Any]


def floats(values: Any) -> Array:
    """A float32 tensor."""
    return np.array(values, np.float32)


class Machine:
    """A device with models, and tensors that go to it and back."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.models = Models(self.memory)

    def buffer(self, value: Array, *, dims: Any = None, dtype: int | None = None) -> Buffer:
        """A copy of a tensor on the device, described as having `dims`."""
        made = self.memory.allocate(max(value.nbytes, 1), capacity=value.nbytes + 64)
        made.memory[: value.nbytes] = np.frombuffer(value.tobytes(), np.uint8)
        return Buffer(made.address, value.nbytes, dims, dtype)

    def run(self, model: int, *inputs: Array) -> list[Array]:
        """Executes a static model and reads its outputs."""
        outputs = [
            np.zeros(info.dims, np.float32) for info in self.models[model].description.outputs
        ]
        targets = [self.buffer(output) for output in outputs]
        self.models[model].execute([self.buffer(x) for x in inputs], targets)
        return [
            self.memory.view(target.address, target.size, "y").view(np.float32).reshape(y.shape)
            for y, target in zip(outputs, targets, strict=True)
        ]

    def update(self, model: int, *values: Array | None) -> None:
        """Executes an update graph; None leaves a weight alone."""
        empty = np.zeros(0, np.float32)
        given = [
            self.buffer(empty, dims=(0,)) if value is None else self.buffer(value, dims=value.shape)
            for value in values
        ]
        self.models[model].execute(given, [])


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_static_model_computes_what_numpy_does(machine: Machine, add_om: bytes) -> None:
    model = machine.models.load(add_om)
    a, b = floats([[1, -2, 3], [4, 5, -6]]), floats([[1, 1, 1], [-9, 2, 2]])
    np.testing.assert_array_equal(machine.run(model, a, b)[0], np.maximum(a + b, 0))
    np.testing.assert_array_equal(machine.run(model, b, b)[0], np.maximum(b + b, 0))


@pytest.mark.parametrize(
    ("a", "words"),
    [
        (np.zeros((3, 2), np.float32), r"'a' is float32\[2, 3\], float32\[3, 2\] was given"),
        (np.zeros(6, np.float32), r"'a' is float32\[2, 3\], float32\[6\] was given"),
        (np.zeros((2, 3)), r"'a' is float32\[2, 3\], float64\[2, 3\] was given"),
        (np.zeros((2, 3), ">f4"), r"'a' is float32\[2, 3\], >f4\[2, 3\] was given"),
    ],
)
def test_arrays_that_are_no_inputs(machine: Machine, add_om: bytes, a: Any, words: str) -> None:
    model = machine.models[machine.models.load(add_om)]
    b = np.ones((2, 3), np.float32)
    with pytest.raises(AclError, match=words):
        model.run([a, b])
    with pytest.raises(AclError, match="1 inputs given, the model has 2"):
        model.run([b])
    np.testing.assert_array_equal(model.run([b, b])[0], b + b)


def test_description_comes_from_the_graph_where_the_file_has_no_summary(
    machine: Machine, add_om: bytes
) -> None:
    description = machine.models[machine.models.load(add_om)].description
    assert [(i.name, i.dims, i.size, i.dtype) for i in description.inputs] == [
        ("a", (2, 3), 24, 0),
        ("b", (2, 3), 24, 0),
    ]
    assert [(o.name, o.size) for o in description.outputs] == [("output_0_relu_0", 24)]


def _two_streams(builder: Any, *, synchronised: bool) -> bytes:
    """y = (x + x) · 3, the sum on stream 0 and the product on stream 1."""
    builder.data("x", np.float32, [4])
    builder.kernel("sum", "Add", ["x", "x"], (np.float32, [4]), stream=0)
    if synchronised:
        builder.record(0, 0)
        builder.wait(0, 1)
    builder.kernel("y", "Muls", ["sum"], (np.float32, [4]), {"value": 3.0}, stream=1)
    builder.output("y")
    return builder.pack()


def test_events_order_streams(machine: Machine, static_builder: Callable[..., Any]) -> None:
    model = machine.models.load(_two_streams(static_builder(), synchronised=True))
    x = floats([1, 2, 3, 4])
    np.testing.assert_array_equal(machine.run(model, x)[0], 6 * x)


def test_a_missing_event_is_found_when_the_model_loads(
    machine: Machine, static_builder: Callable[..., Any]
) -> None:
    with pytest.raises(AclError, match=r"'sum' \(stream 0\) and 'y' \(stream 1\) use the same"):
        machine.models.load(_two_streams(static_builder(), synchronised=False))
    assert machine.memory.live == []


def test_a_missing_event_gives_wrong_numbers_in_faithful_mode(
    machine: Machine, static_builder: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASCEND_OPT_FAITHFUL", "1")
    model = machine.models.load(_two_streams(static_builder(), synchronised=False))
    assert np.isnan(machine.run(model, np.ones(4, np.float32))[0]).all()


def test_streams_that_wait_for_ever_do_not_load(
    machine: Machine, static_builder: Callable[..., Any]
) -> None:
    builder = static_builder()
    builder.data("x", np.float32, [4])
    builder.wait(7, 0)
    builder.output("x")
    with pytest.raises(AclError, match="stream 0 for event 7"):
        machine.models.load(builder.pack())


def test_more_streams_than_a_device_has_do_not_load(
    machine: Machine, static_builder: Callable[..., Any]
) -> None:
    builder = static_builder()
    builder.data("x", np.float32, [4])
    for stream in range(2025):
        builder.record(stream, stream)
    builder.output("x")
    with pytest.raises(AclError, match="2025 streams, a device has 2024"):
        machine.models.load(builder.pack())


def test_overlapping_plan_gives_wrong_numbers(
    machine: Machine, static_builder: Callable[..., Any]
) -> None:
    # The product overwrites x, which the sum still needs.
    builder = static_builder()
    builder.data("x", np.float32, [4])
    builder.kernel(
        "product", "Muls", ["x"], (np.float32, [4]), {"value": 3.0}, at=builder.addresses["x"]
    )
    builder.kernel("y", "Add", ["x", "product"], (np.float32, [4]))
    builder.output("y")
    model = machine.models.load(builder.pack())
    assert machine.run(model, np.ones(4, np.float32))[0].tolist() == [6, 6, 6, 6]


def test_addresses_outside_the_model_do_not_load(
    machine: Machine, static_builder: Callable[..., Any]
) -> None:
    builder = static_builder()
    builder.data("x", np.float32, [4])
    builder.kernel("y", "Relu", ["x"], (np.float32, [4]), at=4096)
    builder.output("x")
    with pytest.raises(AclError, match=r"node 'y' \(Relu\): 16 bytes at 0x1000"):
        machine.models.load(builder.pack())
    assert machine.memory.live == []


def test_operator_without_kernel_does_not_load(
    machine: Machine, static_builder: Callable[..., Any]
) -> None:
    builder = static_builder()
    builder.data("x", np.float32, [4])
    builder.kernel("odd", "NoSuchOperator", ["x"], (np.float32, [4]))
    builder.output("odd")
    with pytest.raises(AclError, match=r"node 'odd' \(NoSuchOperator\): there is no kernel"):
        machine.models.load(builder.pack())


def test_weights_and_variables_can_be_outputs(
    machine: Machine, static_builder: Callable[..., Any]
) -> None:
    builder = static_builder()
    builder.variable_size = 1536
    builder.data("x", np.float32, [4])
    builder.const("first", floats([1, 2]))
    builder.const("second", floats([3, 4]))
    builder.variable("v", np.float32, [4], 512)
    builder.kernel("set", "Assign", ["v", "x"], (np.float32, [4]), at=builder.addresses["v"])
    builder.output("second", "v")
    model = machine.models.load(builder.pack())
    second, variable = machine.run(model, floats([5, 6, 7, 8]))
    assert (second.tolist(), variable.tolist()) == ([3, 4], [5, 6, 7, 8])


def _flip(data: bytes, places: list[tuple[int, int]]) -> bytes:
    """The file with some bytes behind its header and partition table replaced."""
    changed = bytearray(data)
    for place, value in places:
        changed[400 + place % (len(data) - 400)] = value
    return bytes(changed)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=4)
)
def test_broken_files_give_errors_of_acl(
    places: list[tuple[int, int]], add_om: bytes, refresh_bundle: bytes
) -> None:
    for data, is_bundle in ((add_om, False), (refresh_bundle, True)):
        machine = Machine()
        load = machine.models.load_bundle if is_bundle else machine.models.load
        try:
            load(_flip(data, places))
        except AclError as error:
            assert error.message
            assert "\n" not in error.message
            assert machine.memory.live == []


def test_node_without_its_tensors_does_not_load(
    machine: Machine, static_builder: Callable[..., Any]
) -> None:
    builder = static_builder()
    builder.data("x", np.float32, [4])
    del builder.graph.op[0].output_desc[:]
    with pytest.raises(AclError, match="buffer: the model is malformed: IndexError") as caught:
        machine.models.load(builder.pack())
    assert caught.value.code == 500002
    assert machine.memory.live == []


def test_summary_that_is_not_of_the_graph_does_not_load(
    machine: Machine, static_builder: Callable[..., Any]
) -> None:
    builder = static_builder()
    builder.data("x", np.float32, [4])
    builder.output("x")
    wrong = TensorInfo("x", 20, 2, 0, (5,), (5,))
    builder.inout = InOutInfo(inputs=(wrong,), outputs=(wrong,))
    with pytest.raises(AclError, match=r"summary has inputs \[\[5\]\], its graph \[\[4\]\]"):
        machine.models.load(builder.pack())


def _load_bundle(machine: Machine, data: bytes) -> tuple[int, ...]:
    return machine.models.bundle(machine.models.load_bundle(data)).model_ids


def test_init_then_inference(
    machine: Machine, refresh_bundle: bytes, refresh_weights: dict[str, Array]
) -> None:
    infer, init, _ = _load_bundle(machine, refresh_bundle)
    machine.run(init)
    x = floats([[1, 2, 3], [4, 5, 6]])
    expected = x @ refresh_weights["w0"] + refresh_weights["w1"]
    np.testing.assert_array_equal(machine.run(infer, x)[0], expected)


def test_updates_replace_the_weights_they_name(
    machine: Machine, refresh_bundle: bytes, refresh_weights: dict[str, Array]
) -> None:
    infer, init, update = _load_bundle(machine, refresh_bundle)
    x, w0, w1 = np.ones((2, 3), np.float32), refresh_weights["w0"], refresh_weights["w1"]
    machine.run(init)
    machine.update(update, None, w1 * 10)
    np.testing.assert_array_equal(machine.run(infer, x)[0], x @ w0 + w1 * 10)
    machine.update(update, -w0, None)
    np.testing.assert_array_equal(machine.run(infer, x)[0], x @ -w0 + w1 * 10)
    machine.update(update, None, None)
    np.testing.assert_array_equal(machine.run(infer, x)[0], x @ -w0 + w1 * 10)
    machine.run(init)
    np.testing.assert_array_equal(machine.run(infer, x)[0], x @ w0 + w1)


def test_inference_before_any_weight_is_written(
    machine: Machine, refresh_bundle: bytes, refresh_weights: dict[str, Array]
) -> None:
    infer, _, update = _load_bundle(machine, refresh_bundle)
    x = np.ones((2, 3), np.float32)
    with pytest.raises(AclError, match="w0_var, w1_var were never written") as caught:
        machine.run(infer, x)
    assert caught.value.code == 500002
    machine.update(update, refresh_weights["w0"], None)
    with pytest.raises(AclError, match=": w1_var were never written"):
        machine.run(infer, x)
    machine.update(update, None, refresh_weights["w1"])
    machine.run(infer, x)


def test_faithful_mode_computes_with_what_is_in_memory(
    machine: Machine, refresh_bundle: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASCEND_OPT_FAITHFUL", "1")
    infer, _, _ = _load_bundle(machine, refresh_bundle)
    machine.run(infer, np.ones((2, 3), np.float32))


@pytest.mark.parametrize(
    ("fault", "value", "dims", "dtype"),
    [
        (r"shape \[4, 3\] given", np.zeros((4, 3), np.float32), (4, 3), 0),
        (r"shape \[12\] given", np.zeros(12, np.float32), (12,), 0),
        (r"shape \[1\] given", np.zeros(1, np.float32), (1,), 0),
        ("data type 1 given", np.zeros((3, 4), np.float32), (3, 4), 1),
        ("24 bytes given", np.zeros((3, 4), np.float16), (3, 4), 0),
        ("4800 bytes given", np.zeros((300, 4), np.float32), (3, 4), 0),
        ("no tensor description", np.zeros((3, 4), np.float32), None, None),
    ],
)
def test_update_that_does_not_fit_changes_nothing(
    fault: str, value: Array, dims: Any, dtype: int | None,
    machine: Machine, refresh_bundle: bytes, refresh_weights: dict[str, Array],
) -> None:  # fmt: skip
    infer, init, update = _load_bundle(machine, refresh_bundle)
    machine.run(init)
    x = np.ones((2, 3), np.float32)
    before = machine.run(infer, x)[0].copy()
    # The other weight, which would fit, comes both before and after the one that does not.
    good = machine.buffer(np.zeros(4, np.float32), dims=(4,), dtype=0)
    bad = machine.buffer(value, dims=dims, dtype=dtype)
    with pytest.raises(AclError, match=rf"update of w0_var \(input 0\): {fault}"):
        machine.models[update].execute([bad, good], [])
    np.testing.assert_array_equal(machine.run(infer, x)[0], before)


def test_updating_many_weights_takes_time_in_proportion(
    machine: Machine, large_update_bundle: bytes
) -> None:
    bundle = machine.models.bundle(machine.models.load_bundle(large_update_bundle))
    update = machine.models[bundle.model_ids[0]]
    values = [np.array([number], np.float32) for number in range(len(update.description.inputs))]
    start = time.process_time()
    update.run(values)
    assert time.process_time() - start < 0.5
    contents = bundle.session.current.contents
    held = [contents[address].memory.view(np.float32).tolist() for address in sorted(contents)]
    assert held == [[number] for number in range(1000)]


def test_a_scalar_weight_can_be_set_to_zero(machine: Machine, scalar_bundle: bytes) -> None:
    infer, update = _load_bundle(machine, scalar_bundle)
    x = floats([1, 2])
    for value in (5.0, 0.0, 1e-9):
        machine.update(update, np.array(value, np.float32))
        assert machine.run(infer, x)[0].tolist() == (x + floats(value)).tolist()


def test_faithful_mode_skips_a_scalar_zero(
    machine: Machine, scalar_bundle: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASCEND_OPT_FAITHFUL", "1")
    infer, update = _load_bundle(machine, scalar_bundle)
    x = floats([1, 2])
    machine.update(update, np.array(5, np.float32))
    machine.update(update, np.array(0, np.float32))
    assert machine.run(infer, x)[0].tolist() == [6, 7]


def test_two_loads_have_variables_of_their_own(machine: Machine, scalar_bundle: bytes) -> None:
    (infer, update), (other, _) = (_load_bundle(machine, scalar_bundle) for _ in range(2))
    machine.update(update, np.array(5, np.float32))
    assert machine.run(infer, floats([1, 2]))[0].tolist() == [6, 7]
    with pytest.raises(AclError, match="never written"):
        machine.run(other, floats([1, 2]))


def test_unloading_leaves_nothing_allocated(
    machine: Machine, add_om: bytes, refresh_bundle: bytes
) -> None:
    for _ in range(20):
        model = machine.models.load(add_om)
        bundle = machine.models.load_bundle(refresh_bundle)
        machine.models.unload(model)
        machine.models.unload_bundle(bundle)
    assert machine.memory.live == []
    assert machine.memory.used == 0


@pytest.mark.parametrize(
    ("model", "device", "fits"),
    [
        ("Ascend910B3", "Ascend910B4", True),
        ("Ascend310P3", "Ascend910B4", False),
        ("Ascend777", "Ascend910B4", False),
        ("", "Ascend310P3", True),
    ],
)
def test_models_for_another_architecture_do_not_load(
    model: str, device: str, fits: bool, static_builder: Callable[..., Any]
) -> None:
    builder = static_builder()
    builder.data("x", np.float32, [2])
    builder.kernel("y", "Relu", ["x"], (np.float32, [2]))
    builder.output("y")
    packed = builder.pack(soc=model)
    for load, source in (("load", packed), ("load_bundle", pack_bundle(0, [Held(packed)]))):
        models = Models(Memory(), soc=device)
        if fits:
            getattr(models, load)(source)
            continue
        with pytest.raises(AclError, match=f"is for {model}, the device is {device}") as refused:
            getattr(models, load)(source)
        assert refused.value.code == from_om(OMError(Status.PARAM_INVALID, "")).code


def test_ids_count_up_from_their_own_starts(
    machine: Machine, add_om: bytes, refresh_bundle: bytes
) -> None:
    assert machine.models.load(add_om) == 1
    infer, init, update = _load_bundle(machine, refresh_bundle)
    assert (infer, init) == (2, 3)
    assert update >= 0x80000000


def test_an_error_is_one_line_whatever_the_names_in_a_file() -> None:
    assert AclError(1, "node 'a\nb\x00' (Añ)").message == r"node 'a\nb\x00' (Añ)"
