"""Every number of the SoC files says what it rests on, and published measurements come out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

import pytest

from compiler.soc import soc

FILES = sorted(f.name for f in files("compiler.soc").iterdir() if f.name.endswith(".toml"))
CLASSES = ("configured", "documented", "measured", "tool", "derived", "assumed")
EVIDENCE = re.compile(rf"# ({'|'.join(CLASSES)})(?=:|$)")
NEEDS_A_REASON = ("measured", "tool", "derived", "documented")


def unfounded(text: str) -> Iterator[str]:
    """The lines with a number that neither they nor the comment on their table found."""
    comment: list[str] = []
    table = False
    for line in text.splitlines():
        if line.startswith("#"):
            comment.append(line)
        elif line.startswith("["):
            table = any(EVIDENCE.match(part) for part in comment)
            comment = []
        elif "=" in line and not table and not EVIDENCE.search(line):
            yield line
        elif not line:
            comment = []


@pytest.mark.parametrize("name", FILES)
def test_every_number_has_its_evidence(name: str) -> None:
    text = files("compiler.soc").joinpath(name).read_text("utf-8")
    assert not list(unfounded(text))
    for line in text.splitlines():
        for found in EVIDENCE.finditer(line):
            rest = line[found.end() :].strip(": ")
            assert rest or found[1] not in NEEDS_A_REASON, f"{line}: what and where?"


@pytest.mark.parametrize("name", FILES)
def test_evidence_stands_alone(name: str) -> None:
    """No bare section number, no doubt or note of a text that is elsewhere."""
    for line in files("compiler.soc").joinpath(name).read_text("utf-8").splitlines():
        comment = line.partition("#")[2]
        assert not re.search(r"\b\d\.\d{1,2}(?=[,:;)]|$)|\bdoubt|\bnotes\b", comment), line


def test_a_number_without_evidence_is_found() -> None:
    text = "# configured\n[core]\nub = 1\n\n# of old\n[costs]\nflag = 1\nissue = 1 # assumed: so\n"
    assert list(unfounded(text)) == ["flag = 1"]


B1 = soc("Ascend910B1")
A950 = soc("Ascend950PR_9589")
MMAD = B1.costs.mmad
TERA, KIB = 1e12, 1 << 10
BLOCK = 16 * KIB, 32 * KIB


def rate(name: str, cycle_bytes: float) -> float:
    """TB/s of all cores, from bytes per cycle and cube core."""
    part = soc(name)
    return cycle_bytes * part.cube_cores * part.clock_mhz * 1e6 / TERA


def loads(name: str, l0a: int, l0b: int, overlap: float = 0.0) -> float:
    """Cycles of two loads, one to each of L0A and L0B, the cube working in part of them."""
    load = soc(name).costs.load_l0
    return (2 * load.start + l0a / load.l0a + l0b / load.l0b) * (1 + overlap * load.contention)


def add(name: str, repeats: int, ways: int) -> float:
    """Cycles of an Add on so many repeats."""
    vector = soc(name).costs.vector
    return vector.start + max(vector.repeat["add"], vector.conflict * ways) * repeats


@pytest.mark.parametrize(
    ("modelled", "published", "tolerance"),
    [
        pytest.param(rate("Ascend910B1", B1.costs.memory.gm_read), 1.53, 0.02, id="910B1 reads"),
        pytest.param(rate("Ascend910B1", B1.costs.memory.gm_total), 1.6, 0.02, id="910B1 all"),
        pytest.param(rate("Ascend910B1", B1.costs.memory.l2_read), 5.96, 0.05, id="910B1 L2"),
        pytest.param(
            rate("Ascend950PR_9589", A950.costs.memory.gm_read), 1.63, 0.04, id="950PR reads"
        ),
        pytest.param(
            rate("Ascend950PR_9589", A950.costs.memory.l2_read), 5.38, 0.03, id="950PR L2"
        ),
        pytest.param(512 + MMAD.start + MMAD.fill / 8, 522, 0.01, id="910B1 mmad 128×256×64"),
        pytest.param(64 + MMAD.start + MMAD.fill, 125, 0.02, id="910B1 mmad that waits"),
        pytest.param(1024 + A950.costs.mmad.start, 1027, 0.01, id="950PR mmad 256×256×64"),
        pytest.param(loads("Ascend910B1", 8 * KIB, 8 * KIB), 143, 0.02, id="910B1 loads alone"),
        pytest.param(loads("Ascend910B1", *BLOCK, 0.86), 430, 0.03, id="910B1 loads to L0"),
        pytest.param(loads("Ascend950PR_9589", 32 * KIB, 32 * KIB), 283, 0.01, id="950PR alone"),
        pytest.param(
            loads("Ascend950PR_9589", 32 * KIB, 32 * KIB, 1.0), 337, 0.03, id="950PR loads to L0"
        ),
        pytest.param(add("Ascend910B1", 32, 2), 86.1, 0.02, id="910B1 Add, 32"),
        pytest.param(add("Ascend910B1", 128, 2), 278.5, 0.02, id="910B1 Add, 128"),
        pytest.param(add("Ascend910B1", 127, 1), 149.6, 0.02, id="910B1 Add, free"),
        pytest.param(add("Ascend950PR_9589", 170, 2), 375.8, 0.02, id="950PR Add, 170"),
    ],
)
def test_published_measurements(modelled: float, published: float, tolerance: float) -> None:
    assert modelled == pytest.approx(published, rel=tolerance)
