"""`acl.rt`: devices, contexts, memory, streams, events and callbacks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime.acl import build


def test_calls_without_a_context(acl: Any) -> None:
    assert acl.rt.malloc(16, 0) == (0, 107002)
    assert acl.rt.get_device() == (0, 107002)
    assert acl.rt.create_stream() == (0, 107002)
    assert acl.mdl.load_from_file("model.om") == (0, 107002)


def test_set_device_wants_as_many_resets(acl: Any) -> None:
    assert acl.rt.set_device(0) == 0
    assert acl.rt.set_device(0) == 0
    assert acl.rt.reset_device(0) == 0
    assert acl.rt.get_device() == (0, 0)
    assert acl.rt.reset_device(0) == 0
    assert acl.rt.get_device()[1] == 107002
    assert acl.rt.set_device(0) == 0
    assert acl.rt.set_device(0) == 0
    assert acl.rt.reset_device_force(0) == 0
    assert acl.rt.get_device()[1] == 107002


def test_contexts_belong_to_threads(acl: Any) -> None:
    assert acl.rt.set_device(0) == 0
    context, ret = acl.rt.create_context(0)
    assert ret == 0
    assert acl.rt.get_context() == (context, 0)
    seen: list[int] = []

    def work() -> None:
        seen.append(acl.rt.get_context()[1])
        seen.append(acl.rt.set_context(context))
        seen.append(acl.rt.get_context()[0])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [107002, 0, context]
    assert acl.rt.destroy_context(context) == 0
    assert acl.rt.get_context()[1] == 107002
    assert acl.rt.destroy_context(0) == 100000


def test_allocations(program: Any) -> None:
    rt = program.acl.rt
    assert rt.malloc(0, 0) == (0, 100000)
    assert rt.malloc_host(0) == (0, 100000)
    assert rt.free(0) == 100000
    address = program.ok(*rt.malloc(100, 0))
    assert rt.free(address + 32) == 107017
    assert rt.free(address) == 0
    assert rt.free(address) == 107017
    host = program.ok(*rt.malloc_host(8))
    assert rt.free(host) == 107017
    assert rt.free_host(host) == 0
    free, total = program.ok(*rt.get_mem_info(1))
    assert free == total
    assert rt.malloc(total + 1, 0) == (0, 207001)
    assert rt.get_mem_info(18)[-1] == 100000


def test_copies_round_trip_through_interior_pointers(program: Any) -> None:
    values = np.arange(8, dtype=np.float32)
    address = program.to_device(values)
    assert program.from_device(address + 8, 16).tolist() == [2, 3, 4, 5]
    assert program.acl.rt.memset(address + 4, 28, 0, 8) == 0
    assert program.from_device(address, 32).tolist() == [0, 0, 0, 3, 4, 5, 6, 7]


def test_copy_checks(program: Any) -> None:
    acl, data = program.acl, bytes(16)
    host = acl.util.bytes_to_ptr(data)
    device = program.ok(*acl.rt.malloc_align32(32, 0))
    assert acl.rt.memcpy(0, 0, 0, 0, 99) == 0
    assert acl.rt.memcpy(0, 16, host, 16, 1) == 100000
    assert acl.rt.memcpy(device, 16, 0, 16, 1) == 100000
    for kind in (-1, 6, 7):
        assert acl.rt.memcpy(device, 16, host, 16, kind) == 100000
    assert acl.rt.memcpy(device, 15, host, 16, 1) == 107000
    assert acl.rt.memcpy(device + 24, 16, host, 16, 1) == 107000
    assert "8 bytes are left" in acl.get_recent_err_msg()
    assert acl.rt.memset(device, 8, 0, 16) == 107000
    assert acl.rt.free(device) == 0
    assert acl.rt.memcpy(device, 16, host, 16, 1) == 107000


def test_host_pointers_are_no_device_memory(program: Any) -> None:
    host = program.acl.util.bytes_to_ptr(bytes(16))
    other = program.ok(*program.acl.rt.malloc_host(16))
    assert program.acl.rt.memcpy(other, 16, host, 16, 0) == 0
    device = program.to_device(np.zeros(4, np.float32))
    assert program.acl.rt.memcpy(host, 16, device, 16, 3) == 107000
    assert program.acl.rt.memcpy(device, 16, host, 16, 3) == 107000
    assert program.acl.rt.memcpy(other, 16, host, 16, 2) == 107000
    assert program.acl.rt.memcpy(device, 16, host, 16, 4) == 0


def test_streams_keep_their_order(program: Any) -> None:
    acl = program.acl
    address = program.to_device(np.zeros(1, np.float32))
    stream = program.ok(*acl.rt.create_stream())
    sources = [np.array([value], np.float32).tobytes() for value in range(50)]
    for source in sources:
        pointer = acl.util.bytes_to_ptr(source)
        assert acl.rt.memcpy_async(address, 4, pointer, 4, 1, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    assert program.from_device(address, 4).tolist() == [49]
    assert acl.rt.destroy_stream(stream) == 0
    assert acl.rt.synchronize_stream(stream) == 100000
    assert acl.rt.synchronize_stream(0) == 0


def test_events_order_two_streams(program: Any) -> None:
    acl = program.acl
    address = program.to_device(np.zeros(1, np.float32))
    first, second = (program.ok(*acl.rt.create_stream()) for _ in range(2))
    event = program.ok(*acl.rt.create_event())
    one, two = (np.array([value], np.float32).tobytes() for value in (1, 2))
    assert acl.rt.stream_wait_event(second, event) == 0
    pointer = acl.util.bytes_to_ptr(two)
    assert acl.rt.memcpy_async(address, 4, pointer, 4, 1, second) == 0
    assert acl.rt.synchronize_stream_with_timeout(second, 20) == 507046
    assert acl.rt.memcpy_async(address, 4, acl.util.bytes_to_ptr(one), 4, 1, first) == 0
    assert acl.rt.record_event(event, first) == 0
    assert acl.rt.synchronize_event(event) == 0
    assert acl.rt.query_event(event) == (0, 0)
    assert acl.rt.query_event_status(event) == (1, 0)
    assert acl.rt.synchronize_stream(second) == 0
    assert program.from_device(address, 4).tolist() == [2]


def test_time_between_events(program: Any) -> None:
    acl = program.acl
    start, end, never = (program.ok(*acl.rt.create_event()) for _ in range(3))
    assert acl.rt.record_event(start, 0) == 0
    assert acl.rt.synchronize_stream(0) == 0
    time.sleep(0.002)
    assert acl.rt.record_event(end, 0) == 0
    assert acl.rt.synchronize_stream(0) == 0
    milliseconds, ret = acl.rt.event_elapsed_time(start, end)
    assert ret == 0
    assert 2 <= milliseconds < 2000
    assert acl.rt.event_elapsed_time(start, never) == (0.0, 107006)


def test_callbacks_run_in_the_subscribed_thread_in_order(program: Any) -> None:
    acl = program.acl
    seen: list[Any] = []
    stop: list[bool] = []

    def listen(arguments: list[Any]) -> None:
        (timeout,) = arguments
        while not stop:
            acl.rt.process_report(timeout)

    thread, ret = acl.util.start_thread(listen, [10])
    assert ret == 0
    stream = program.ok(*acl.rt.create_stream())
    assert acl.rt.launch_callback(seen.append, [0], 1, stream) == 107015
    assert acl.rt.subscribe_report(thread, stream) == 0
    for number in range(5):
        assert acl.rt.launch_callback(seen.append, [number], 1, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    assert seen == [[number] for number in range(5)]
    assert acl.rt.unsubscribe_report(thread, stream) == 0
    assert acl.rt.unsubscribe_report(thread, stream) == 107012
    stop.append(True)
    assert acl.util.stop_thread(thread) == 0
    assert acl.util.stop_thread(thread) == 100000


@pytest.mark.parametrize("block", [0, 1])
def test_blocking_callbacks_hold_the_stream_back(program: Any, block: int) -> None:
    acl = program.acl
    stream = program.ok(*acl.rt.create_stream())
    event = program.ok(*acl.rt.create_event())
    assert acl.rt.subscribe_report(threading.get_ident(), stream) == 0
    assert acl.rt.launch_callback(list, [], block, stream) == 0
    assert acl.rt.record_event(event, stream) == 0
    busy = acl.rt.synchronize_stream_with_timeout(stream, 30)
    assert busy == (507046 if block else 0)
    assert acl.rt.query_event(event) == (block, 0)
    assert acl.rt.process_report(1000) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    assert acl.rt.query_event(event) == (0, 0)


def test_process_report_codes(program: Any) -> None:
    acl = program.acl
    assert acl.rt.process_report(0) == 100000
    assert acl.rt.process_report(-2) == 100000
    assert acl.rt.process_report(5) == 107012
    assert acl.rt.subscribe_report(threading.get_ident(), 0) == 0
    assert acl.rt.process_report(5) == 507012


def test_pointers_and_arrays(program: Any) -> None:
    acl = program.acl
    data = b"\x01\x02\x03\x04"
    assert acl.util.ptr_to_bytes(acl.util.bytes_to_ptr(data), 4) == data
    with pytest.raises(ValueError, match="bytes are needed"):
        acl.util.bytes_to_ptr(bytearray(4))
    array = np.arange(6, dtype=np.int32).reshape(2, 3)
    with pytest.warns(DeprecationWarning):
        pointer = acl.util.numpy_to_ptr(array)
    view = acl.util.ptr_to_numpy(pointer, (3, 2), 5)
    view[0, 0] = 42
    assert array[0, 0] == 42
    pointer, kept = acl.util.numpy_contiguous_to_ptr(array.T)
    assert acl.util.ptr_to_numpy(pointer, (3, 2), 5).tolist() == array.T.tolist()
    assert kept.flags.c_contiguous


def test_finalize_leaves_nothing(program: Any) -> None:
    acl = program.acl
    program.to_device(np.zeros(4, np.float32))
    assert acl.finalize() == 0
    assert acl.init() == 0
    assert acl.rt.set_device(0) == 0
    free, total = program.ok(*acl.rt.get_mem_info(1))
    assert free == total


def test_the_overflow_mode_is_chosen(program: Any) -> None:
    rt = program.acl.rt
    assert rt.get_device_sat_mode() == (1, 0)
    for mode in (0, 1):
        assert rt.set_device_sat_mode(mode) == 0
        assert rt.get_device_sat_mode() == (mode, 0)
    assert rt.set_device_sat_mode(2) == 107000


@pytest.mark.parametrize(
    ("soc", "only"),
    [("Ascend310P3", 0), ("Ascend910A", 0), ("Ascend910B", 0), ("Ascend950PR_9599", 1)],
)
def test_chips_with_one_overflow_mode(soc: str, only: int) -> None:
    rt: Any = build(soc).rt
    assert rt.set_device_sat_mode(only) == 107002
    assert rt.set_device(0) == 0
    assert rt.get_device_sat_mode() == (only, 0)
    assert rt.set_device_sat_mode(only) == 0
    assert rt.set_device_sat_mode(1 - only) == 207000


@pytest.mark.parametrize(("mode", "expected"), [(0, 65504), (1, np.inf)])
def test_the_overflow_mode_counts_at_every_run(
    mode: int, expected: float, program: Any, static_builder: Callable[..., Any], tmp_path: Path
) -> None:
    builder = static_builder()
    builder.data("x", np.float16, [2])
    builder.kernel("y", "Add", ["x", "x"], (np.float16, [2]))
    builder.output("y")
    (tmp_path / "m.om").write_bytes(builder.pack())
    model = program.ok(*program.acl.mdl.load_from_file(str(tmp_path / "m.om")))
    assert program.acl.rt.set_device_sat_mode(mode) == 0
    target = program.ok(*program.acl.rt.malloc(4, 2))
    given = program.arrays(np.array([40000, 1], np.float16))
    assert program.acl.mdl.execute(model, given, program.dataset((target, 4))) == 0
    assert program.from_device(target, 4).view(np.float16).tolist() == [expected, 2]
