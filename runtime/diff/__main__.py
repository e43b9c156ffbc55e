"""`python -m runtime.diff MODEL.onnx`: which operator loses how much in the precision chosen."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from compiler.endings import exit_code
from compiler.errors import UserError
from compiler.om.contract import weights_beside
from compiler.om.model_reader import read_model
from runtime.device import Memory
from runtime.diff.compile import compile_both
from runtime.diff.inputs import drawn_inputs, given_inputs
from runtime.diff.measure import difference
from runtime.diff.report import outputs, table
from runtime.diff.trace import Comparison, Graphs, Recording, rows
from runtime.errors import AclError, invalid
from runtime.executor.observer import Observer
from runtime.executor.weight_places import WeightPlaces
from runtime.load_model import load
from runtime.loaded_model import Model

DESCRIPTION = """Compares two runs of a model on the simulated device, operator by operator.

MODEL.onnx is compiled twice by atc: with the options given here (by default in force_fp16), and in
the model's own types. Two .om files are compared as they are, the second is what is expected."""


def _arguments(words: Sequence[str] | None) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="python -m runtime.diff",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="other options, as --option=value, are atc's: --precision_mode, --keep_dtype, …",
        allow_abbrev=False,
    )
    parser.add_argument("model", help="an ONNX model, or an offline model")
    parser.add_argument("expected", nargs="?", help="the offline model to compare it with")
    parser.add_argument("--inputs", metavar="FILE.npz", help="arrays called like the inputs")
    parser.add_argument("--seed", type=int, default=0, help="of inputs drawn (%(default)s)")
    parser.add_argument("--top", type=int, default=20, help="rows to show, 0: all (%(default)s)")
    return parser.parse_known_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Print the table; the exit code is 0, or 1 after one line on stderr."""
    return exit_code(partial(_run, words))


def _run(words: Sequence[str] | None) -> int:
    given, options = _arguments(words)
    try:
        _check(given, options)
        with TemporaryDirectory() as folder:
            pair = _files(given, options, Path(folder))
            for line in compare(*pair, inputs=given.inputs, seed=given.seed, top=given.top):
                print(line)
    except BrokenPipeError:
        raise
    except (AclError, UserError, OSError) as error:
        print(f"runtime.diff: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


def _check(given: argparse.Namespace, options: Sequence[str]) -> None:
    model, is_source = given.model, given.model.endswith(".onnx")
    if is_source and given.expected is not None:
        raise invalid(f"{model} is compared with itself in its own types: name no second model")
    if not is_source and given.expected is None:
        raise invalid(f"{model} is an offline model: name a second one to compare it with")
    if options and not is_source:
        raise invalid(f"{options[0]}: an offline model is compiled already")


def _files(given: argparse.Namespace, options: Sequence[str], folder: Path) -> tuple[Path, Path]:
    if given.expected is not None:
        return Path(given.model), Path(given.expected)
    return compile_both(given.model, options, folder)


def compare(chosen: Path, expected: Path, *, inputs: str | None, seed: int, top: int) -> list[str]:
    """Run both files on the same inputs; the lines of the report."""
    files = [read_model(path) for path in (chosen, expected)]
    graphs = [Graphs(om) for om in files]
    recording = Recording(graphs[1])
    model = _loaded(expected, recording)
    arrays = given_inputs(model, inputs) if inputs else drawn_inputs(model, seed)
    wanted = _results(model, arrays)
    comparison = Comparison(graphs[0], recording.values)
    other = _loaded(chosen, comparison)
    _check_inputs(other, model)
    found = _results(other, arrays)
    if len(found) != len(wanted):
        raise invalid(f"{chosen} has {len(found)} outputs, {expected} has {len(wanted)}")
    names = [info.name for info in model.description.outputs]
    ends = [difference(*pair) for pair in zip(found, wanted, strict=True)]
    lines = [*outputs(names, ends), "", *table(rows(comparison), top)]
    lone = comparison.unmatched()
    return [*lines, f"not in both: {', '.join(lone)}"] if lone else lines


def _check_inputs(one: Model, other: Model) -> None:
    has, needs = ([i.name for i in m.description.inputs] for m in (one, other))
    if has != needs:
        raise invalid(f"{one.source} has the inputs {has}, {other.source} has {needs}")


def _loaded(path: Path, observer: Observer) -> Model:
    places = WeightPlaces(weights_beside(path))
    return load(read_model(path), Memory(), places=places, observer=observer)


def _results(model: Model, inputs: Sequence[Any]) -> list[Any]:
    return list(model.run(inputs))


if __name__ == "__main__":
    sys.exit(main())
