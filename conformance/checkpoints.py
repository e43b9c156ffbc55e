"""Compiles a checkpoint, refreshes it to another and back: outputs are those of fresh compilations,
bit for bit."""

# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from filecmp import cmp
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from compiler.cli import main as ascend_opt
from compiler.context import context
from compiler.frontends.onnx import ImportOptions, import_model
from compiler.pipelines import OfflinePass
from compiler.precision_modes import PrecisionMode
from compiler.targets.om import OMTarget
from runtime.device import Memory
from runtime.model_registry import Models
from runtime.refresh import Bundle

Array = npt.NDArray[Any]
Form = Literal["original", "compiled"]
FORMS: tuple[Form, ...] = ("original", "compiled")
PRECISIONS: tuple[PrecisionMode, ...] = ("force_fp16", "must_keep_origin_dtype")

BUFFERS = ("inv_freq",)
"""Numbers that a model computes for itself: checkpoints do not have them."""


@dataclass(frozen=True, slots=True)
class Case:
    """A model with its weights, and the same model with others; the weights of both by name."""

    name: str
    first: Path
    second: Path
    old: Mapping[str, Array]
    new: Mapping[str, Array]
    inputs: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Findings:
    """What is equal, bit for bit. `state` compares the digests of all tensors, `applied` the whole
    bundle files, and `changed` is that the checkpoints answer differently.

    `plain` compares with a fresh compilation without refreshable weights: the same computation only
    where variables hold what the inference needs.
    """

    finite: bool
    changed: bool
    refreshed: bool
    state: bool
    plain: bool
    back: bool
    packed: bool
    back_again: bool
    applied: bool

    @property
    def wrong(self) -> list[str]:
        """The names of the comparisons that failed."""
        return [field.name for field in fields(self) if not getattr(self, field.name)]


def case(name: str, source: Path, inputs: Mapping[str, Array], filters: float = 1) -> Case:
    """Two checkpoints beside a model: its own weights, and others for every one of them.

    Filters of convolutions are multiplied by a number: random ones may let a signal grow beyond
    float16.
    """
    model = onnx.load(source)
    for tensor in model.graph.initializer:
        if len(tensor.dims) == 4 and filters != 1:
            value = numpy_helper.to_array(tensor) * np.float32(filters)
            tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    first, second = (source.with_name(f"{source.stem}_{n}.onnx") for n in ("first", "second"))
    onnx.save(model, first)
    draw = np.random.default_rng(7)
    old: dict[str, Array] = {}
    new: dict[str, Array] = {}
    for tensor in model.graph.initializer:
        value = numpy_helper.to_array(tensor)
        if value.dtype == np.float32 and value.size > 1 and not tensor.name.endswith(BUFFERS):
            old[tensor.name], new[tensor.name] = value, (other := _other(value, draw))
            tensor.CopyFrom(numpy_helper.from_array(other, tensor.name))
    onnx.save(model, second)
    return Case(name, first, second, old, new, inputs)


def _other(value: Array, draw: np.random.Generator) -> Array:
    """Other numbers of the same sign and about the same size: variances stay positive."""
    scaled = value * draw.uniform(0.7, 1.0, value.shape).astype(np.float32)
    return np.where(value == 0, draw.uniform(-0.01, 0.01, value.shape).astype(np.float32), scaled)


def findings(
    case: Case, folder: Path, precision: PrecisionMode, form: Form, fresh: bytes
) -> Findings:
    """Refreshes one bundle from arrays and from a pack; `fresh` is what a plain model answers."""
    pack = folder / f"{case.name}.safetensors"
    if not pack.exists():
        _run("make", case.first, case.second, "-o", pack)
    paths = [
        compiled(path, folder / f"{path.stem}_{form}", case, precision, form)
        for path in (case.first, case.second)
    ]
    with Bundle.load(paths[1]) as other:
        expected, state = answer(other, case), other.digests()
    with Bundle.load(paths[0]) as bundle:
        before = answer(bundle, case)
        bundle.update({name: case.new[name] for name in bundle.weights})
        after = answer(bundle, case)
        same = bundle.digests() == state
        bundle.rollback()
        back = answer(bundle, case)
        bundle.update(pack)
        packed = answer(bundle, case)
        same &= bundle.digests() == state
        bundle.rollback()
        return Findings(
            finite=all(np.isfinite(v).all() for v in bundle.infer(case.inputs).values()),
            changed=before != after,
            refreshed=after == expected,
            state=same and case.new.keys() <= state.keys(),
            plain=form == "original" or after == fresh,
            back=back == before,
            packed=packed == expected,
            back_again=answer(bundle, case) == before,
            applied=applied(paths, pack),
        )


def applied(paths: Sequence[Path], pack: Path) -> bool:
    """Whether the first bundle's file becomes that of the second one, byte for byte."""
    target = paths[0].with_name(f"{paths[0].stem}_applied.om")
    _run("apply", paths[0], pack, "-o", target)
    return cmp(target, paths[1], shallow=False)


def _run(command: str, *arguments: str | Path) -> None:
    if ascend_opt(["refresh", command, *map(str, arguments)]):
        raise RuntimeError(f"ascend-opt refresh {command} fails")


def compiled(
    source: Path, output: Path, case: Case, precision: PrecisionMode, form: Form | None
) -> Path:
    """The bundle of a model, in which all weights of the checkpoint can be refreshed, or with no
    form the plain model."""
    shapes = {name: value.shape for name, value in case.inputs.items()}
    module = import_model(str(source), options=ImportOptions(input_shapes=shapes))
    refresh = tuple(case.new) if form is not None else ()
    OfflinePass(precision=precision, refresh=refresh, refresh_form=form or "original").apply(
        context(), module
    )
    OMTarget(str(output)).emit(context(), module, io.StringIO())
    return Path(f"{output}.om")


def answer(bundle: Bundle, case: Case) -> bytes:
    """The outputs of a bundle, one after the other."""
    return b"".join(value.tobytes() for value in bundle.infer(case.inputs).values())


def plain_answer(case: Case, folder: Path, precision: PrecisionMode) -> bytes:
    """What the second checkpoint answers when it is compiled without refreshable weights."""
    path = compiled(case.second, folder / f"{case.name}_plain", case, precision, None)
    models = Models(Memory())
    model = models[models.load(str(path))]
    names = [tensor.name for tensor in model.description.inputs]
    return b"".join(v.tobytes() for v in model.run([case.inputs[name] for name in names]))


def results(
    case: Case, folder: Path, precisions: Sequence[PrecisionMode] = PRECISIONS
) -> Iterator[tuple[PrecisionMode, Form, Findings]]:
    """A model in every precision, with either form of variables."""
    for precision in precisions:
        fresh = plain_answer(case, folder, precision)
        for form in FORMS:
            yield precision, form, findings(case, folder, precision, form, fresh)


def _cases(folder: Path, wanted: Sequence[str]) -> Iterator[Case]:
    """The models, or those that are wanted."""
    for name, make in _makers(folder).items():
        if not wanted or name in wanted:
            yield make(name)


def _makers(folder: Path) -> dict[str, Callable[[str], Case]]:
    from bench import real_models
    from conformance.models import Example
    from workloads.llama import save_llama

    def deployed(name: str, filters: float = 1) -> Case:
        path = real_models.make(name, folder)
        return case(name, path, real_models.inputs(path), filters)

    def llama(name: str) -> Case:
        path = save_llama(folder / f"{name}.onnx")
        return case(name, path, real_models.inputs(path))

    def exported(name: str) -> Case:
        example = Example(name, folder)
        return case(name, example.path, example.inputs[0])

    return {
        "bert_base": deployed,
        "resnet50": lambda name: deployed(name, 0.7),
        "llama": llama,
        "llama_dynamo": exported,
        "llama_script": exported,
    }


def main() -> None:
    """Print each comparison, and the figures against the goals; of one model, if it is named."""
    good = count = 0
    wanted = sys.argv[1:]
    with TemporaryDirectory() as folder:
        for each in _cases(Path(folder), wanted):
            size = sum(value.nbytes for value in each.new.values()) / 1e6
            print(f"{each.name}: {len(each.new)} weights, {size:.1f} MB", flush=True)
            start = perf_counter()
            for precision, form, found in results(each, Path(folder)):
                told = f"not equal: {', '.join(found.wrong)}" if found.wrong else "equal"
                seconds = perf_counter() - start
                print(f"  {precision:<24} {form:<9} {told:<40} {seconds:6.1f} s", flush=True)
                count, good, start = count + 1, good + (not found.wrong), perf_counter()
    print(
        f"checkpoints: {good} of {count} (all) refreshed, from arrays and from a pack, and rolled "
        "back, bit for bit as compiled afresh"
    )
    sys.exit(good != count)


if __name__ == "__main__":
    main()
