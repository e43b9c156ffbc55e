"""trace.json: valid, complete, in the conventions of the viewers, and small."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from compiler.simulator.instruction import Pipe
from compiler.simulator.kernel import simulate_kernel
from compiler.simulator.kernel_timing import KernelTiming
from compiler.simulator.lanes import PIPE_LANES
from compiler.simulator.model import EventRecord, EventWait, ModelTiming, ai_cpu_task, kernel_task
from compiler.simulator.model import replay as replay_model
from compiler.simulator.trace import INSTRUCTION_CAP, model_trace, write_trace
from compiler.soc import soc
from workloads.kernels.tiles import Tiles

B1 = soc("Ascend910B1")
FLAG_LANES = (("SET_FLAG", 14), ("WAIT_FLAG", 15))
FIELDS = {
    "X": {"name", "cname", "ph", "ts", "dur", "pid", "tid", "args"},
    "C": {"name", "ph", "ts", "pid", "args"},
    "M": {"name", "ph", "ts", "pid", "tid", "args"},
    "s": {"name", "ph", "ts", "pid", "tid", "id", "cat"},
    "f": {"name", "ph", "ts", "pid", "tid", "id", "cat", "bp"},
}


def kernel(*, keep: int = INSTRUCTION_CAP) -> KernelTiming:
    programs = Tiles(3 * 8448 + 8192, 4, 4096, 2).programs()
    return simulate_kernel(programs, B1, core_type="AI_VECTOR_CORE", keep=keep)


def model(timing: KernelTiming) -> ModelTiming:
    first, second = (kernel_task(name, "Add", i, timing) for i, name in enumerate(("x", "y")))
    steps = [first, EventRecord(0, 0), EventWait(1, 0), second, ai_cpu_task("z", "Unique", 1, B1)]
    return replay_model(steps, B1)


def kernel_trace(timing: KernelTiming, cap: int = INSTRUCTION_CAP) -> dict[str, Any]:
    """The pipes of a kernel's cores; their clocks begin when the cores do."""
    alone = replay_model([kernel_task("k", "Add", 0, timing)], B1)
    trace = model_trace(alone, kernels=["k"], cap=cap)
    inside = [event for event in trace["traceEvents"] if event["pid"] != "streams"]
    for event in inside:
        event["pid"] = event["pid"].removeprefix("k/")
        if event["ph"] != "M":
            event["ts"] = round(event["ts"] - timing.head_us, 3)
    return {**trace, "traceEvents": inside}


def events(trace: dict[str, Any], phase: str) -> list[dict[str, Any]]:
    return [event for event in trace["traceEvents"] if event["ph"] == phase]


def read(trace: dict[str, Any], path: Path) -> dict[str, Any]:
    write_trace(trace, path)
    return json.loads(path.read_text("utf-8"))


@pytest.mark.parametrize("which", ["model", "both"])
def test_it_is_json_and_every_event_has_its_fields(which: str, tmp_path: Path) -> None:
    timing = kernel()
    traces = {
        "model": model_trace(model(timing)),
        "both": model_trace(model(timing), kernels=["y"]),
    }
    trace = read(traces[which], tmp_path / "trace.json")
    assert trace == traces[which]
    assert (trace["displayTimeUnit"], trace["profilingType"]) == ("ns", "op")
    assert trace["schemaVersion"] == 2
    for event in trace["traceEvents"]:
        assert set(event) == FIELDS[event["ph"]]
        assert event["ts"] >= 0
        assert event.get("dur", 0) >= 0
        if event["ph"] == "X":
            assert all(isinstance(value, str) for value in event["args"].values())


def test_a_task_is_a_slice_in_the_lane_of_its_stream() -> None:
    timing = kernel()
    slices = events(model_trace(model(timing)), "X")
    assert [(s["name"], s["tid"]) for s in slices] == [
        ("x", "stream 0"),
        ("y", "stream 1"),
        ("z", "stream 1"),
    ]
    assert slices[1]["ts"] == pytest.approx(timing.duration_us, abs=1e-3)
    assert slices[2]["dur"] == B1.costs.launch.ai_cpu_us
    assert slices[0]["args"]["bound"] == timing.bound


def test_lanes_have_names_and_order() -> None:
    meta = events(kernel_trace(kernel()), "M")
    order = {e["tid"]: e["args"]["sort_index"] for e in meta if e["name"] == "thread_sort_index"}
    pipes = {"MTE2": 6, "VECTOR": 7, "MTE3": 8}
    flags = {f"{kind} {p}": at for kind, at in FLAG_LANES for p in ("MTE2", "V", "MTE3")}
    assert order == pipes | flags
    processes = {e["pid"]: e["args"] for e in meta if e["name"] == "process_sort_index"}
    assert processes["core0.veccore0"] == {"sort_index": 2}
    assert processes["core1.veccore1"] == {"sort_index": 6}


def test_an_instruction_lies_where_it_was_simulated() -> None:
    timing = kernel()
    group = timing.groups[0]
    slices = [s for s in events(kernel_trace(timing), "X") if s["pid"] == "core0.veccore0"]
    assert len(slices) == len(group.program)
    for index, (slice_, instruction) in enumerate(zip(slices, group.program, strict=True)):
        first, last = map(float, slice_["args"]["cycles"].split("–"))
        assert first == pytest.approx(group.schedule.starts[index], abs=0.1)
        assert last == pytest.approx(group.schedule.ends[index], abs=0.1)
        if instruction.flag is None:
            assert slice_["ts"] == pytest.approx(group.schedule.starts[index] / 1850, abs=1e-3)
            assert slice_["tid"] == PIPE_LANES[instruction.pipe].name
            assert slice_["cname"] == PIPE_LANES[instruction.pipe].colour
        elif slice_["name"] == "set_flag":
            assert slice_["ts"] == pytest.approx((last - 1) / 1850, abs=1e-3)
    add = next(s for s in slices if s["name"] == "add")
    assert add["tid"] == PIPE_LANES[Pipe.V].name == "VECTOR"
    load = next(s for s in slices if s["name"] == "load")
    assert load["args"]["process_bytes"] == "8192"


def test_slices_of_a_lane_do_not_overlap() -> None:
    ends: dict[tuple[str, str], float] = {}
    slices = events(kernel_trace(kernel()), "X")
    for slice_ in slices:
        lane = slice_["pid"], slice_["tid"]
        assert slice_["ts"] >= ends.get(lane, 0.0)
        ends[lane] = round(slice_["ts"] + slice_["dur"], 3)
    assert {("core0.veccore0", name) for name in ("MTE2", "VECTOR", "MTE3")} < set(ends)


def test_every_wait_has_an_arrow_from_its_set() -> None:
    trace = model_trace(model(kernel()), kernels=["x", "y"])
    starts = {event["id"]: event for event in events(trace, "s")}
    ends = {event["id"]: event for event in events(trace, "f")}
    slices = events(trace, "X")
    waits = [s for s in slices if s["tid"].startswith("WAIT_FLAG")]
    assert len(starts) == len(ends) == len(waits) > 0
    for number, end in ends.items():
        assert starts[number]["ts"] <= end["ts"]
        assert starts[number]["name"] == end["name"]
        assert starts[number]["pid"] == end["pid"]
        assert any(_lies_in(end, wait) for wait in waits)
        assert any(_lies_in(starts[number], slice_) for slice_ in slices)


def _lies_in(event: dict[str, Any], slice_: dict[str, Any]) -> bool:
    same = all(event[key] == slice_[key] for key in ("pid", "tid"))
    return same and slice_["ts"] <= event["ts"] <= round(slice_["ts"] + slice_["dur"], 3)


def test_the_cap_is_kept_and_stated() -> None:
    trace = kernel_trace(kernel(), cap=10)
    shown = Counter(event["pid"] for event in events(trace, "X"))
    assert set(shown.values()) == {10}
    assert trace["otherData"]["instruction_cap"] == 10
    assert trace["otherData"]["cores"] == {
        "k/core0.veccore0": "first 10 of 40 instructions; same for blocks 0-2",
        "k/core1.veccore1": "first 10 of 28 instructions; same for blocks 3",
    }


def test_a_kernel_in_a_model_begins_after_its_launch() -> None:
    timing = kernel()
    trace = model_trace(model(timing), kernels=["y"])
    first = min(s["ts"] for s in events(trace, "X") if s["pid"].startswith("y/core0.veccore0"))
    assert first == pytest.approx(timing.duration_us + timing.head_us + 6 / 1850, abs=1e-3)
    assert not any(s["pid"].startswith("x/") for s in events(trace, "X"))


def test_a_kernel_whose_schedule_was_not_kept_is_refused() -> None:
    with pytest.raises(ValueError, match="0 instructions were kept of the simulation, not 40"):
        kernel_trace(kernel(keep=0))


def test_the_file_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        timing = kernel()
        write_trace(model_trace(model(timing), kernels=["x"]), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_throughput_is_bytes_over_time() -> None:
    trace = kernel_trace(kernel())
    core = events(trace, "C")[0]["pid"]
    counters = [e for e in events(trace, "C") if (e["name"], e["pid"]) == ("MTE2 Throughput", core)]
    moved = sum(
        event["args"]["throughput(MB/s)"] * (later["ts"] - event["ts"])
        for event, later in pairwise(counters)
    )
    shown = [e for e in events(trace, "X") if (e["tid"], e["pid"]) == ("MTE2", core)]
    assert moved == pytest.approx(sum(int(e["args"]["process_bytes"]) for e in shown), rel=0.01)
    assert counters[-1]["args"]["throughput(MB/s)"] == 0
