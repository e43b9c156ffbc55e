"""`python -m runtime.refresh.cost MODEL.onnx`: what refreshable weights cost at inference."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, get_args

from compiler.endings import exit_code
from compiler.precision_modes import PrecisionMode
from compiler.soc import DEFAULT_SOC
from runtime.device import Memory
from runtime.diff.inputs import drawn_inputs
from runtime.errors import AclError, failure
from runtime.loaded_model import Model
from runtime.model_registry import Models

DESCRIPTION = """Compiles a model without refreshable weights, and with all of them in both forms.

Prints what the cost model says an inference takes on the AI Core, and how long the simulated device
takes for it: NumPy on this machine, which shows what is done, not how fast an NPU does it."""

FORMS = ("without refresh", "compiled", "original")
Run = Callable[[], object]


def main(words: Sequence[str] | None = None) -> int:
    """Print the table; the exit code is 0, or 1 after one line on stderr."""
    return exit_code(partial(_run, words))


def _run(words: Sequence[str] | None) -> int:
    given = _arguments(words)
    try:
        predicted = _predicted(given)
        with TemporaryDirectory() as folder:
            paths = {form: _compiled(given, form, Path(folder)) for form in FORMS}
            measured = measure({form: _loaded(path) for form, path in paths.items()}, given.repeats)
    except (AclError, OSError) as error:
        print(f"runtime.refresh.cost: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    print("\n".join(table(predicted, measured)))
    return 0


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m runtime.refresh.cost",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="an ONNX model with known shapes")
    parser.add_argument(
        "--precision", choices=get_args(PrecisionMode), default="force_fp16", help="(%(default)s)"
    )
    parser.add_argument("--soc", default=DEFAULT_SOC, help="the chip (%(default)s)")
    parser.add_argument("--repeats", type=_count, default=20, help="inferences (%(default)s)")
    return parser.parse_args(words)


def _count(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} inferences cannot be timed")
    return number


def _predicted(given: argparse.Namespace) -> Mapping[str, float]:
    """The simulated microseconds of both forms; none where shapes are known at run time."""
    options = ["--cost", "--json", "--precision", given.precision, "--soc", given.soc]
    told: Any = json.loads(_ascend_opt("refresh", "explain", given.model, *options))
    return told["microseconds"]


def _compiled(given: argparse.Namespace, form: str, folder: Path) -> Path:
    refresh = "" if form == FORMS[0] else f'refresh="*" refresh_form={form}'
    pipeline = f"offline{{soc={given.soc} precision={given.precision} {refresh}}}"
    output = folder / form.replace(" ", "_")
    _ascend_opt(given.model, "-p", pipeline, "-t", f'om{{output="{output}"}}')
    return output.with_suffix(".om")


def _ascend_opt(*words: str) -> str:
    """What the command prints; AclError with its message where it fails."""
    program = "import sys; from compiler.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise failure(done.stderr.strip() or f"ascend-opt {words[0]} fails")
    return done.stdout


def _loaded(path: Path) -> Run:
    """An inference of a model, or of a bundle whose weights have been set, on drawn inputs."""
    models = Models(Memory())
    if path.stem == FORMS[0].replace(" ", "_"):
        infer = models[models.load(str(path))]
    else:
        infer, init, *_ = (
            models[i] for i in models.bundle(models.load_bundle(str(path))).model_ids
        )
        init.run([])
    return partial(_infer, infer, drawn_inputs(infer, seed=0))


def _infer(model: Model, inputs: list[Any]) -> None:
    model.run(inputs)


def measure(runs: Mapping[str, Run], repeats: int) -> dict[str, float]:
    """The fewest milliseconds of each: what disturbs a run makes it longer."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            start = perf_counter()
            run()
            times[name].append((perf_counter() - start) * 1000)
    return {name: min(found) for name, found in times.items()}


def table(predicted: Mapping[str, float], measured: Mapping[str, float]) -> Iterator[str]:
    """A line for each form, with what it costs more than a model without refreshable weights."""
    yield f"{'refresh_form':<17}{'predicted µs':>14}{'more':>9}{'measured ms':>14}{'more':>9}"
    simulated = {FORMS[0]: predicted["compiled"], **predicted} if predicted else {}
    for form in FORMS:
        told = _figures(simulated, form, 1) if simulated else f"{'-':>14}{'-':>9}"
        yield f"{form:<17}{told}{_figures(measured, form, 3)}"


def _figures(found: Mapping[str, float], form: str, digits: int) -> str:
    more = 100 * (found[form] / found[FORMS[0]] - 1)
    return f"{found[form]:>14.{digits}f}{more:>+8.1f}%"


if __name__ == "__main__":
    sys.exit(main())
