"""Reads the ONNX model as ATC's options say: its input shapes, their ranges and gears."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from compiler.atc.errors import AtcError
from compiler.atc.shapes import InputShapes, Range, bounds_of, dims_of, spelled
from compiler.errors import InputShapeError, NoGraphError, UnsupportedOperator, UserError
from compiler.frontends.onnx import ImportOptions, import_model
from compiler.om.gears import Gears
from compiler.targets.om.descriptors import dims_of as dims_of_type
from dialects.onnx.graph import GraphOp


def import_as(options: Mapping[str, str], shapes: InputShapes) -> ModuleOp:
    """Read the model with the shapes that the options give its inputs; AtcError where it cannot."""
    model = options["model"]
    try:
        named = {name: dims_of(ranges) for name, ranges in _named(options, shapes).items()}
        return import_model(model, options=_import_options(options, named))
    except UnsupportedOperator as error:
        raise AtcError("E13010", error.node, error.op_type, more=str(error)) from None
    except InputShapeError as error:
        if error.counts is not None:
            raise AtcError("E10049", *error.counts, more=str(error)) from None
        raise AtcError("E10016", error.name, "input_shape", more=str(error)) from None
    except NoGraphError as error:
        raise AtcError("E16004", more=str(error)) from None
    except UserError as error:
        raise AtcError("E13005", model, more=str(error)) from None


def _import_options(
    options: Mapping[str, str], shapes: Mapping[str, Sequence[int]]
) -> ImportOptions:
    return ImportOptions(
        allow_roots=tuple(roots(options)),
        external_data_dir=options.get("external_data_dir"),
        input_shapes=shapes,
    )


def _named(options: Mapping[str, str], shapes: InputShapes) -> dict[str, tuple[Range, ...]]:
    """The shapes by input name, the model's names where the options give none."""
    if not shapes.unnamed:
        return dict(shapes.named)
    from compiler.frontends.onnx.outline import read_outline

    graph = read_outline(options["model"]).graph
    return dict(shapes.by_name([name for name in graph.inputs if name not in set(graph.constants)]))


def open_shapes(
    ctx: Context, module: ModuleOp, options: Mapping[str, str], shapes: InputShapes
) -> None:
    """Note ranges and gears on the inputs of the GraphEngine graph."""
    from compiler.conversion.onnx_to_ge import ConvertOnnxToGEPass
    from compiler.transforms.ge.make_multi_batch import GEMakeMultiBatchPass
    from compiler.transforms.ge.set_shape_ranges import GESetShapeRangesPass

    named = _named(options, shapes) | _open_inputs(module, shapes)
    dynamic = {name: ranges for name, ranges in named.items() if -1 in dims_of(ranges)}
    if shapes.gears is not None:
        ConvertOnnxToGEPass().apply(ctx, module)
        rows = tuple(",".join(map(str, row)) for row in shapes.gears.rows)
        outputs = tuple(_outputs_by_gear(options, shapes.gears, named))
        order = shapes.gears.order
        GEMakeMultiBatchPass(shapes.gears.kind, rows, order, outputs).apply(ctx, module)
    elif dynamic:
        ConvertOnnxToGEPass().apply(ctx, module)
        ranges = tuple(spelled(name, bounds) for name, bounds in dynamic.items())
        GESetShapeRangesPass(ranges).apply(ctx, module)


def _open_inputs(module: ModuleOp, shapes: InputShapes) -> dict[str, tuple[Range, ...]]:
    """The inputs with open dimensions that the options leave out.

    They take part in gears of batch and image sizes; of other dimensions nobody could say which.
    """
    if shapes.gears is None:
        return {}
    graphs = (op for op in module.body.block.ops if isinstance(op, GraphOp))
    inputs = {name: dims_of_type(v.type) for g in graphs for name, v in g.inputs.items()}
    found = {n: d for n, d in inputs.items() if -1 in d and n not in shapes.named}
    if shapes.gears.kind == "dims" and found:
        reason = "All dynamic nodes must be set in --input_shape."
        raise AtcError("E10001", next(iter(found)), "--dynamic_dims", reason)
    return {name: tuple(map(bounds_of, dims)) for name, dims in found.items()}


def _outputs_by_gear(
    options: Mapping[str, str], gears: Gears, named: Mapping[str, tuple[Range, ...]]
) -> Iterator[str]:
    """GraphEngine's entries `<gear>,<output>,<dims…>`; every gear is inferred, so it must fit."""
    from compiler.frontends.onnx.prepare import output_shapes

    inputs = {name: dims_of(ranges) for name, ranges in named.items()}
    for place, row in enumerate(gears.rows):
        chosen = _import_options(options, gears.filled(row, inputs))
        for output, dims in enumerate(output_shapes(options["model"], chosen)):
            yield ",".join(map(str, (place, output, *dims)))


def roots(options: Mapping[str, str]) -> list[str]:
    """The folders that external data may also lie in."""
    return options["allow_root"].split(os.pathsep) if "allow_root" in options else []
