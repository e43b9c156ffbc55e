"""The SoC table: known parts, errors for unknown ones, sane numbers for all."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from compiler.soc import Soc, soc, soc_names

HARDWARE_NOTES = Path(__file__).parents[4] / "shared" / "spec" / "hardware.md"


def test_ascend910b1() -> None:
    b1 = soc("Ascend910B1")
    assert (b1.cube_cores, b1.vector_cores, b1.ai_cpus, b1.clock_mhz) == (24, 48, 6, 1850)
    assert (b1.l1, b1.l0a, b1.l0b, b1.l0c, b1.ub, b1.bt) == (
        512 << 10,
        64 << 10,
        64 << 10,
        128 << 10,
        192 << 10,
        1 << 10,
    )
    assert (b1.l2, b1.hbm, b1.split_cores) == (192 << 20, 64 << 30, True)


def test_coupled_cores_do_vector_work() -> None:
    assert soc("Ascend310").vector_cores == 2
    assert soc("Ascend910A").vector_cores == 32
    assert soc("Ascend310P3").vector_cores == 8 + 7
    assert not soc("Ascend310P3").split_cores


def test_unknown_memory_is_none_and_stated_memory_is_read() -> None:
    assert soc("Ascend910A").hbm is None
    assert soc("Ascend310P3").hbm == 24 * 10**9


def test_a_part_overrides_the_rates_of_its_family() -> None:
    assert soc("Ascend950PR_9599").costs.memory.gm_read == 31
    assert soc("Ascend950DT_9591").costs.memory.gm_read == 80
    assert soc("Ascend950DT_9591").costs.memory.l2_read == 100


def test_unknown_name_lists_close_matches_on_one_line() -> None:
    with pytest.raises(ValueError, match="unknown SoC 'Ascend910B7': did you mean") as error:
        soc("Ascend910B7")
    assert "Ascend910B1" in str(error.value) or "Ascend910B4" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_name_like_none_lists_all() -> None:
    with pytest.raises(ValueError, match=r"known are .*Ascend310P3.*Ascend910B4"):
        soc("?")


@pytest.mark.parametrize("name", soc_names())
def test_every_part_is_complete(name: str) -> None:
    part = soc(name)
    assert part.name == name
    numbers = [
        getattr(part, field.name)
        for field in dataclasses.fields(Soc)
        if field.name not in ("name", "split_cores", "costs", "hbm", "bt")
    ]
    assert all(type(number) is int and number > 0 for number in numbers)
    memory = part.costs.memory
    assert memory.gm_read <= memory.gm_total
    assert memory.gm_read <= memory.l2_read_nz <= memory.l2_read
    assert set(part.costs.dma) == {"gm_l1", "gm_l1_nz", "gm_ub", "ub_gm"}


@pytest.mark.parametrize("name", soc_names())
def test_efficiency_rises_with_the_burst(name: str) -> None:
    for dma in soc(name).costs.dma.values():
        assert list(dma.efficiency) == sorted(dma.efficiency)
        assert all(0 < share <= 1 for _, share in dma.efficiency)
        assert 0 < dma.unaligned <= 1


def test_covers_the_parts_of_the_hardware_notes() -> None:
    if not HARDWARE_NOTES.exists():
        pytest.skip("the hardware notes are not beside the repository")
    table = HARDWARE_NOTES.read_text("utf-8").split("### 1.1", 1)[1].split("### 1.2", 1)[0]
    stated = set(re.findall(r"^\| (Ascend[0-9]\w+(?:-\d)?)", table, re.MULTILINE))
    mobile = {name for name in stated if name.startswith("Ascend031")}
    assert stated - mobile <= set(soc_names())
    assert len(stated) > 20
