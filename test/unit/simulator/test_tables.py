"""op_summary.csv and time per operator."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from compiler.simulator.instruction import Pipe
from compiler.simulator.kernel import simulate_kernel
from compiler.simulator.model import ModelTiming, ai_cpu_task, kernel_task, replay
from compiler.simulator.tables import op_summary, operator_times, write_csv
from compiler.soc import soc
from workloads.kernels.matmul import Matmul
from workloads.kernels.tiles import Tiles

B1 = soc("Ascend910B1")
ADD = simulate_kernel(Tiles(1 << 20, 8, 4096, 2).programs(), B1, core_type="AI_VECTOR_CORE")
MATMUL = simulate_kernel(
    Matmul(512, 512, 512, (256, 256), step=(4, 4)).programs(), B1, core_type="AI_CORE"
)


def model() -> ModelTiming:
    steps = [
        kernel_task("conv", "MatMulV2", 0, MATMUL),
        kernel_task("sum1", "Add", 0, ADD),
        ai_cpu_task("unique", "Unique", 0, B1),
        kernel_task("sum2", "Add", 0, ADD),
    ]
    return replay(steps, B1)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_op_summary_has_a_row_for_each_task(tmp_path: Path) -> None:
    write_csv(op_summary(model(), "net"), tmp_path / "op_summary.csv")
    rows = read(tmp_path / "op_summary.csv")
    assert [row["Op Name"] for row in rows] == ["conv", "sum1", "unique", "sum2"]
    assert [row["Task Type"] for row in rows] == [
        "AI_CORE",
        "AI_VECTOR_CORE",
        "AI_CPU",
        "AI_VECTOR_CORE",
    ]
    assert {row["Model Name"] for row in rows} == {"net"}
    assert rows[2]["mac_time(us)"] == "N/A"
    assert float(rows[1]["Task Start Time(us)"]) == pytest.approx(MATMUL.duration_us, abs=1e-3)
    assert rows[0]["Block Dim"] == "4"


def test_op_summary_times_are_the_simulated_ones() -> None:
    row = op_summary(model(), "net")[0]
    assert row["mac_time(us)"] == pytest.approx(MATMUL.pipes[Pipe.M].busy_us, abs=1e-3)
    mte2, mac = MATMUL.pipes[Pipe.MTE2].busy_us, MATMUL.pipes[Pipe.M].busy_us
    assert row["mte2_ratio"] == pytest.approx(mte2 / MATMUL.core_us, abs=1e-3)
    assert row["memory_bound"] == pytest.approx(mte2 / mac, abs=1e-2)
    assert row["vec_time(us)"] == 0.0
    cycles = sum(group.cycles * len(group.blocks) for group in MATMUL.groups)
    assert row["total_cycles"] == round(cycles)


def test_operator_times_are_sorted_and_add_up() -> None:
    rows = operator_times(model())
    assert [row.time_us for row in rows] == sorted((row.time_us for row in rows), reverse=True)
    assert {row.op_type: row.count for row in rows} == {"Unique": 1, "Add": 2, "MatMulV2": 1}
    assert sum(row.share for row in rows) == pytest.approx(1.0)
    assert sum(row.time_us for row in rows) == pytest.approx(model().total_us)
    add = next(row for row in rows if row.op_type == "Add")
    assert add.utilisation["mte2"] == pytest.approx(ADD.pipes[Pipe.MTE2].busy_us / ADD.core_us)
    assert next(row for row in rows if row.op_type == "Unique").utilisation == {}
