"""Say of every weight of an ONNX model whether it can be refreshed, and what that takes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import get_args

from compiler.errors import UserError, printable
from compiler.precision_modes import PrecisionMode
from compiler.refresh.explanation import Explanation, explanations
from compiler.soc import DEFAULT_SOC

TITLES = ("bytes", "refreshable", "the variable holds", "with", "readers", "ONNX name")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The model, how it will be compiled, and how to print."""
    parser.add_argument("model", help="an ONNX model")
    parser.add_argument(
        "--precision",
        choices=get_args(PrecisionMode),
        default="force_fp16",
        help="the precision mode that it will be compiled in (force_fp16)",
    )
    parser.add_argument("--soc", default=DEFAULT_SOC, help=f"the chip ({DEFAULT_SOC})")
    parser.add_argument(
        "--cost",
        action="store_true",
        help="also simulate an inference with every weight refreshable, in both forms",
    )
    parser.add_argument(
        "--constants", action="store_true", help="also print those of ONNX's Constant nodes"
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Print a line for each weight."""
    from compiler.context import context
    from compiler.conversion.onnx_to_ge import ConvertOnnxToGEPass
    from compiler.frontends.onnx import import_model
    from compiler.pipelines import OfflinePass

    if not args.model.endswith(".onnx"):
        raise UserError(f"{args.model}: weights are explained of a .onnx model")
    ctx = context()
    module = import_model(args.model)
    ConvertOnnxToGEPass().apply(ctx, module)
    pipeline = OfflinePass(soc=args.soc, precision=args.precision)
    told = explanations(ctx, module, pipeline)
    costs = _costs(args, [entry.onnx for entry in told if entry.variables]) if args.cost else {}
    if args.json:
        weights = [asdict(entry) for entry in told]
        print(json.dumps({"weights": weights, "microseconds": costs}, indent=2))
    else:
        listed = [entry for entry in told if entry.initializer or args.constants]
        print("\n".join((*_table(listed), *(_told_costs(costs) if args.cost else ()))))
    return 0


def _table(told: Sequence[Explanation]) -> Iterator[str]:
    rows = [TITLES, *(_row(entry) for entry in told)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(map(str.ljust, row, widths)).rstrip()
    for entry in told:
        if reason := entry.refused or entry.remark:
            yield f"{printable(entry.onnx)}: {reason}"
        if entry.tied:
            yield f"{printable(entry.onnx)}: the same bytes as {printable(', '.join(entry.tied))}"
    count = sum(entry.refused is None for entry in told)
    yield f"{count} of {len(told)} weights can be refreshed"


def _row(entry: Explanation) -> Sequence[str]:
    holds = ", ".join(entry.steps) or ("the tensor" if entry.refused is None else "")
    if len(entry.variables) > 1:
        holds = f"{len(entry.variables)} variables: {holds}"
    partners = printable(", ".join(entry.partners))
    can = "yes" if entry.refused is None else "no"
    return str(entry.length), can, holds, partners, str(entry.readers), printable(entry.onnx)


def _costs(args: argparse.Namespace, names: Sequence[str]) -> dict[str, float]:
    """The simulated time of an inference in microseconds, in both forms."""
    from compiler.context import context
    from compiler.frontends.onnx import import_model
    from compiler.pipelines import OfflinePass
    from compiler.schedule.tasks import Kernels, simulate
    from dialects.om import BundleOp

    costs: dict[str, float] = {}
    for form in ("compiled", "original") if names else ():
        ctx, module = context(), import_model(args.model)
        OfflinePass(
            soc=args.soc,
            precision=args.precision,
            refresh=tuple(names),
            refresh_form=form,
            init=False,
        ).apply(ctx, module)
        [bundle] = (op for op in module.body.block.ops if isinstance(op, BundleOp))
        infer = bundle.models[0]
        if infer.dynamic is None:
            costs[form] = simulate(infer, Kernels(ctx, module)).total_us
    return costs


def _told_costs(costs: dict[str, float]) -> Iterator[str]:
    if not costs:
        yield "an inference cannot be simulated: shapes are known at run time"
    else:
        compiled, original = costs["compiled"], costs["original"]
        more = 100 * (original / compiled - 1)
        yield (
            f"an inference takes {compiled:.1f} µs with refresh_form=compiled, as without refresh, "
            f"and {original:.1f} µs ({more:+.1f} %) with refresh_form=original (simulated)"
        )
