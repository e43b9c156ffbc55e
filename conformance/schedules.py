"""Kernels right by proof, and by numbers: of real models, and of random shapes of every family."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from xdsl.utils.exceptions import PassFailedException

from bench.real_models import make, names
from compiler.conversion.ge_to_davinci.registry import BUILDERS
from compiler.precision_modes import PrecisionMode
from compiler.soc import Soc, soc
from conformance.kernel_check import (
    ORDERS,
    Case,
    WrongKernelError,
    compare,
    proved,
    reference,
    scheduled,
)
from conformance.kernel_families import FAMILIES
from conformance.kernel_models import kernels
from conformance.kernel_samples import SAMPLES
from conformance.mutants import CAUGHT, ESCAPED, HARMLESS, fate, mutants
from examples.models.weights import fill
from runtime.kernel_engine.engine import Order

SHAPES = 2000
"""Random shapes of each family."""
LLAMA = Path(__file__).parents[1] / "examples" / "models" / "llama_dynamo.onnx"
PRECISIONS: tuple[PrecisionMode, ...] = ("force_fp16", "must_keep_origin_dtype")

_REAL = soc("Ascend910B4")
SMALL = replace(
    _REAL, cube_cores=2, vector_cores=3, ub=16384, l1=64 << 10, l0a=16384, l0b=16384, l0c=32768
)
_ONE = replace(_REAL, cube_cores=1, vector_cores=1, ub=24 << 10, l1=96 << 10, l0c=65536)
TARGETS: tuple[Soc, ...] = (_REAL, SMALL, SMALL, _ONE, soc("Ascend310P3"), soc("Ascend310B4"))
"""Tiles are made for less memory and fewer cores than there are: small shapes have several."""

UNHURRIED = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
GOOD, NONE, WRONG = "proved and equal", "without a kernel", "wrong"


@dataclass
class Tally:
    """What became of the kernels of a model or a family."""

    name: str
    counts: Counter[str] = field(default_factory=Counter[str])
    types: set[str] = field(default_factory=set[str])
    """Of the operators that have a kernel which is right."""
    seconds: float = 0.0
    reasons: list[str] = field(default_factory=list[str])

    def right(self, case: Case) -> None:
        """Count a kernel that is proved and equal."""
        self.counts[GOOD] += 1
        self.types.add(case.type)

    def wrong(self, error: Exception) -> None:
        """Count a kernel that is not right."""
        self.counts[WRONG] += 1
        self.reasons.append(str(error))

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items()))
        reasons = "".join(f"\n  {reason}" for reason in self.reasons)
        return f"{self.name:<14} {counts}, {self.seconds:.1f} s{reasons}"


def check(case: Case, target: Soc, order: Order) -> bool:
    """Whether there is a kernel; WrongKernelError if it is not right."""
    expected = reference(case)
    kernel = scheduled(case, expected, target)
    if kernel is None:
        return False
    for each in dict.fromkeys(("program", order)):
        compare(case, kernel, expected, each)
    return True


def family(name: str, shapes: int) -> Tally:
    """Random shapes of a family, the same in each run."""
    tally, start = Tally(name), process_time()

    @settings(
        max_examples=shapes,
        derandomize=True,
        database=None,
        deadline=None,
        verbosity=Verbosity.quiet,
        phases=(Phase.generate,),
        suppress_health_check=UNHURRIED,
    )
    @given(FAMILIES[name](), st.sampled_from(TARGETS), st.sampled_from(ORDERS))
    def run(case: Case, target: Soc, order: Order) -> None:
        if check(case, target, order):
            tally.right(case)
        else:
            tally.counts[NONE] += 1

    try:
        run()
    except WrongKernelError as error:
        tally.wrong(error)
    tally.seconds = process_time() - start
    return tally


def model(name: str, path: Path, known: set[str]) -> Tally:
    """The kernels of a model in both precisions that are not known yet."""
    tally, start = Tally(name), process_time()
    for precision in PRECISIONS:
        for case, kernel in kernels(path, precision):
            if kernel.label in known:
                continue
            known.add(kernel.label)
            try:
                proved(kernel)
                compare(case, kernel, reference(case), "program")
                tally.right(case)
            except (WrongKernelError, PassFailedException) as error:
                tally.wrong(error)
    tally.seconds = process_time() - start
    return tally


def models(chosen: Sequence[str]) -> Iterator[Tally]:
    """ONNX's light models, BERT-base, GPT-2, ViT and a Llama of two layers."""
    known: set[str] = set()
    for name in [*names(), "llama"]:
        if chosen and name not in chosen:
            continue
        with TemporaryDirectory() as folder:
            is_llama = name == "llama"
            path = fill(LLAMA, Path(folder)) if is_llama else make(name, Path(folder))
            yield model(name, path, known)


def mutated(case: Case) -> Tally:
    """What becomes of every mutant of a kernel: a proof fails, or no number changes."""
    tally, start = Tally(f"mutants of {case.type}"), process_time()
    expected = reference(case)
    kernel = scheduled(case, expected, SMALL)
    if kernel is None:
        tally.wrong(WrongKernelError(f"{case!r} has no kernel"))
        return tally
    tally.types.add(case.type)
    for mutant in mutants(kernel):
        found = fate(mutant, case, expected)
        tally.counts[found] += 1
        if found == ESCAPED:
            tally.reasons.append(mutant.name)
    tally.seconds = process_time() - start
    return tally


def tallies(chosen: Sequence[str]) -> Iterator[tuple[str, Tally]]:
    """Of models, families and mutants, or those chosen."""
    for tally in models(chosen):
        yield "models", tally
    for name in FAMILIES:
        if not chosen or name in chosen:
            yield "families", family(name, SHAPES)
    for case in SAMPLES:
        if not chosen or "mutants" in chosen:
            yield "mutants", mutated(case)


def main(chosen: Sequence[str]) -> None:
    """A line for each model, family and sample, or those chosen; the figures against the goals."""
    counts = {part: Counter[str]() for part in ("models", "families", "mutants")}
    missing = set(BUILDERS.values())
    for part, tally in tallies(chosen):
        print(tally, flush=True)
        counts[part] += tally.counts
        missing -= {BUILDERS[type] for type in tally.types}
    models, families, mutants = counts.values()
    wrong = sum(count[WRONG] for count in counts.values()) + mutants[ESCAPED]
    print(
        f"verify-schedules: {models[GOOD]} kernels of models, {families[GOOD]} of "
        f"{len(FAMILIES)} families proved and equal on both engines ({SHAPES} shapes a family; "
        f"{families[NONE]} have no kernel), {models[WRONG] + families[WRONG]} wrong (0); "
        f"{mutants[CAUGHT]} mutants caught, {mutants[HARMLESS]} harmless, {mutants[ESCAPED]} "
        f"escaped (0); {len(missing)} kernel builders untried (0)"
    )
    sys.exit(wrong + bool(not chosen and missing) != 0)


if __name__ == "__main__":
    main(sys.argv[1:])
