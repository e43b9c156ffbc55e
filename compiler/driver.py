"""xDSL's driver with our readers, passes and targets: what `ascend-opt FILE …` runs."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.targets import get_all_targets
from xdsl.transforms import get_all_passes
from xdsl.utils.arg_spec import parse_pipeline, parse_spec
from xdsl.xdsl_opt_main import xDSLOptMain

from compiler.context import register_dialects
from compiler.errors import UserError
from compiler.options import check_repeats, check_spec
from compiler.universe import UNIVERSE

if TYPE_CHECKING:
    from compiler.plugins.node import ModelOutline
    from compiler.targets.om import OMTarget

FRONTENDS = ("onnx", "om")
UPSTREAM_PASSES = ("canonicalize", "cse", "dce")

EXAMPLES = """examples:
  ascend-opt model.onnx                          print the model in the onnx dialect
  ascend-opt model.onnx -p convert-onnx-to-ge    … as GraphEngine operators
  ascend-opt model.onnx -p 'offline{soc=Ascend910B4}' -t 'om{output="out/model"}'
                                                 compile to out/model.om
  ascend-opt model.onnx --preflight              list what ATC would refuse, and what would do
  ascend-opt out/model.om                        decompile any offline model
  ascend-opt om list out/model.om                list it (and verify, extract, diff, gc)
  ascend-opt refresh list out/bundle.om          list the weights that can be exchanged
  ascend-opt refresh make old.onnx new.onnx -o pack.safetensors
                                                 what changed; `refresh apply` applies it
  ascend-opt out/model.om -t 'schedule{output="out/schedule"}'
                                                 simulate it: table, trace.json, csv
  ascend-opt compare model.onnx --soc Ascend910B4 --soc Ascend310P3
                                                 simulated times side by side, also of two models
  ascend-opt explain model.onnx                  what would make the longest operators faster
"""


class StoreOnce(argparse.Action):
    """Stores the value of an option that may be given once."""

    given = False

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if self.given and option_string is not None:
            raise UserError(f"the option {option_string} is given twice")
        self.given = True
        setattr(namespace, self.dest, values)


class AscendOptMain(xDSLOptMain):
    """xDSL's driver with our dialects, passes, targets and readers."""

    version_format = f"ascend-opt {version('ascend-opt')} (xDSL {{xdsl_version}})"
    output: IO[str]
    inputs: frozenset[str] = frozenset()
    """The files of the ONNX model that is read."""
    outline: ModelOutline | None = None
    """Its nodes, as it says them."""

    def __init__(self, args: Sequence[str] | None = None):
        super().__init__("Compile ONNX models to Ascend offline models.", args)

    def register_all_dialects(self) -> None:
        register_dialects(self.ctx)

    def register_all_passes(self) -> None:
        upstream = get_all_passes()
        for name in UPSTREAM_PASSES:
            self.register_pass(name, upstream[name])
        for name, factory in UNIVERSE.all_passes.items():
            self.register_pass(name, factory)

    def register_all_targets(self) -> None:
        self.available_targets["mlir"] = get_all_targets()["mlir"]
        self.available_targets |= UNIVERSE.all_targets

    def register_all_frontends(self) -> None:
        super().register_all_frontends()
        self.available_frontends["mlir"] = partial(_read_mlir, self.available_frontends["mlir"])
        self.available_frontends["onnx"] = self._read_onnx
        self.available_frontends["om"] = _read_om

    def register_all_arguments(self, arg_parser: argparse.ArgumentParser) -> None:
        arg_parser.register("action", None, StoreOnce)
        super().register_all_arguments(arg_parser)
        arg_parser.add_argument(
            "--verify-each", action="store_true", help="Verify the IR after every pass"
        )
        arg_parser.add_argument(
            "--allow-root",
            metavar="FOLDER",
            action="append",
            default=[],
            help="External data of an ONNX model may also lie in FOLDER, behind links, as in a "
            "download cache; give it once for each folder",
        )
        arg_parser.add_argument(
            "--external-data-dir",
            metavar="FOLDER",
            help="Look for external data of an ONNX model in FOLDER, not in the model's own",
        )
        arg_parser.add_argument(
            "--input-shape",
            metavar="NAME:DIMS",
            default="",
            help="Shapes of inputs of an ONNX model, as atc's --input_shape: "
            "'x:1,3,224,224;y:-1,10', -1 for a dimension that each run brings",
        )
        arg_parser.add_argument(
            "--preflight",
            action="store_true",
            help="List everything that ATC would refuse of an ONNX model, and what would do "
            "instead; the exit code is 1 when there is anything",
        )
        arg_parser.prog = "ascend-opt"
        arg_parser.epilog = EXAMPLES
        arg_parser.formatter_class = argparse.RawDescriptionHelpFormatter
        arg_parser.error = _usage_error

    def setup_pipeline(self) -> None:
        for spec in parse_pipeline(self.args.passes):
            check_spec("pass", spec, self.available_passes)
        check_repeats("pass", self.args.passes)
        check_repeats("target", self.args.target)
        target = parse_spec(self.args.target)
        if target.name in UNIVERSE.all_targets:
            check_spec("target", target, UNIVERSE.all_targets)
        if target.name == "om":
            _ = self._om_target().path  # a wrong one shall not cost a compilation
        super().setup_pipeline()
        callback = partial(_between_passes, self.args, [time.perf_counter()])
        self.pipeline = dataclasses.replace(self.pipeline, callback=callback)

    def run(self) -> None:
        """Run, with the output file written whole at the end or not at all."""
        path: str | None = self.args.output_file
        if path is None:
            if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]  # `>&-`
                raise UserError("standard output is closed: -o names a file to write instead")
            self.output = sys.stdout
            super().run()
            return
        from compiler.om.files import rewriting

        with rewriting(path) as self.output:
            super().run()

    def preflight(self) -> int:
        """Print what ATC would refuse of the model; 1 when there is anything."""
        from compiler.frontends.onnx.outline import read_outline
        from compiler.plugins import preflight
        from compiler.plugins.report import report

        if self.args.input_file is None:
            raise UserError("--preflight reads a .onnx model: name one")
        model = read_outline(self.args.input_file)
        findings = preflight(model)
        print("\n".join(report(model, findings)))
        return 1 if findings else 0

    def prepare_output(self) -> IO[str]:
        return self.output

    def prepare_input(self) -> tuple[list[tuple[IO[bytes], int]], str]:
        path: str | None = self.args.input_file
        extension = self.args.frontend or (Path(path).suffix[1:] if path else "mlir")
        if extension not in self.available_frontends:
            known = ", ".join(self.available_frontends)
            raise UserError(f"{path}: no reader for '.{extension}', choose one: -f ({known})")
        if extension in FRONTENDS and path is None:
            raise UserError(f"a .{extension} model is read from a file: name one")
        if extension in FRONTENDS and self.args.split_input_file:
            raise UserError(f"--split-input-file splits text, a .{extension} model is read whole")
        return super().prepare_input()

    def parse_chunk(
        self, chunk: IO[bytes], file_extension: str, start_offset: int = 0
    ) -> ModuleOp | None:
        module = super().parse_chunk(chunk, file_extension, start_offset)
        if module is not None:
            self._note_inputs(module, file_extension)
        return module

    def _note_inputs(self, module: ModuleOp, extension: str) -> None:
        """UserError when -o names one: text may be changed in place, a model would be lost."""
        from compiler.sources import check_outputs, source_files

        output: str | None = self.args.output_file
        if output is not None or extension == "onnx":
            models = [self.args.input_file] if extension in FRONTENDS else []
            inputs = frozenset((*models, *source_files(module)))
            check_outputs([output] if output is not None else [], inputs)
            # Of other input the target itself knows which weight files it may replace.
            self.inputs = inputs if extension == "onnx" else frozenset()

    def output_resulting_program(self, prog: ModuleOp) -> str:
        compiles = self.inputs and parse_spec(self.args.target).name == "om"
        if compiles:
            from compiler.sources import check_outputs

            check_outputs(self._om_target().files(prog), self.inputs)
        text = super().output_resulting_program(prog)
        if compiles and self.outline is not None:
            _tell_refused(self.outline)
        return text

    def _om_target(self) -> OMTarget:
        from compiler.targets.om import OMTarget

        return OMTarget.from_spec(parse_spec(self.args.target))

    def _read_onnx(self, stream: IO[bytes]) -> ModuleOp:
        from compiler.frontends.onnx import ImportOptions, module_of
        from compiler.frontends.onnx.outline import outline_of
        from compiler.frontends.onnx.slim import read_slim

        options = ImportOptions(
            allow_roots=tuple(self.args.allow_root),
            external_data_dir=self.args.external_data_dir,
            input_shapes=_input_shapes(self.args.input_shape),
        )
        try:
            model = read_slim(stream.name)
            self.outline = outline_of(model.proto)
            return module_of(model, options)
        except UserError as error:
            raise error.at(stream.name) from None


def _read_mlir(read: Callable[[IO[bytes]], ModuleOp], stream: IO[bytes]) -> ModuleOp:
    """What xDSL's parser raises besides its own errors comes from a value out of range."""
    try:
        return read(stream)
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 text: {error.reason} at byte {error.start}"
        raise UserError(f"{stream.name} {reason}") from None
    except (ValueError, OverflowError) as error:
        raise UserError(f"{stream.name}: {error}") from None


def _input_shapes(text: str) -> dict[str, tuple[int, ...]]:
    if not text:
        return {}
    from compiler.atc.errors import AtcError
    from compiler.atc.shapes import dims_of, input_shapes

    try:
        shapes = input_shapes({"input_shape": text})
    except AtcError as error:
        raise UserError(str(error)) from None
    if shapes.unnamed:
        raise UserError(f"--input-shape={text}: every shape needs its input's name, x:1,3")
    return {name: dims_of(ranges) for name, ranges in shapes.named.items()}


def _tell_refused(model: ModelOutline) -> None:
    from compiler.plugins import preflight
    from compiler.plugins.report import summary

    if refused := preflight(model):
        print(f"{summary(refused)}: `ascend-opt --preflight` lists them", file=sys.stderr)


def _read_om(stream: IO[bytes]) -> ModuleOp:
    from compiler.frontends.om import import_om

    return import_om(stream.name)


def _usage_error(message: str) -> NoReturn:
    raise UserError(f"{message} (ascend-opt --help lists the options)")


def _between_passes(
    args: argparse.Namespace,
    started: list[float],
    done: ModulePass | None,
    module: ModuleOp,
    coming: ModulePass | None,
) -> None:
    """What the pipeline calls before, between and after passes: time, verify, print, check."""
    if args.time_passes and done is not None:
        print(f"{done.name}: {time.perf_counter() - started[0]:.3f} s", file=sys.stderr)
    at_border = done is None or (coming is None and not getattr(done, "verifies", False))
    if not args.disable_verify and (at_border or args.verify_each):
        module.verify()
    if args.print_between_passes and done is not None and coming is not None:
        from compiler.targets.text import text_of

        print(f"// after {done.name}\n{text_of(module)}")
    if coming is not None:
        from compiler.preconditions import check_source

        check_source(coming.name, module)
    started[0] = time.perf_counter()
