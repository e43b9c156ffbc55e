"""The SoC table: known parts, errors for unknown ones, sane numbers for all."""

from __future__ import annotations

import dataclasses

import pytest

from compiler.errors import UserError
from compiler.soc import Soc, soc, soc_names


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
    assert soc("Ascend950PR_9599").costs.memory.gm_read == 31.5
    assert soc("Ascend950DT_9591").costs.memory.gm_read == 80
    assert soc("Ascend950DT_9591").costs.memory.l2_read == 100


def test_unknown_name_lists_close_matches_on_one_line() -> None:
    with pytest.raises(UserError, match="unknown SoC 'Ascend910B7': did you mean") as error:
        soc("Ascend910B7")
    assert "Ascend910B1" in str(error.value) or "Ascend910B4" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_name_like_none_lists_all() -> None:
    with pytest.raises(UserError, match=r"known are .*Ascend310P3.*Ascend910B4"):
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
    assert memory.gm_read <= memory.l2_read
    assert set(part.costs.dma) == {"gm_l1", "gm_l1_nz", "gm_ub", "ub_gm"}


def test_covers_the_published_parts() -> None:
    """Names of CANN's platform files, less those of phones."""
    published = """
        310 310P1 310P3 310P5 310P7 310B1 310B2 310B3 310B4 910A 910ProA 910PremiumA 910B 910ProB
        910B1 910B2 910B2C 910B3 910B4 910B4-1 910_9391 910_9392 910_9381 910_9382 910_9372
        910_9362 910_9363 950PR_9599 950PR_9589 950PR_958b 950PR_9579 950PR_957b 950PR_950z
        950DT_9591 950DT_9592 950DT_95A1 950DT_95A2 950DT_9581 950DT_9588 950DT_9571 950DT_9578
        950DT_950x 950DT_950y 350_354f 350_355e
    """
    assert {f"Ascend{part}" for part in published.split()} <= set(soc_names())
