"""The target itself: which files a module becomes, and in which order they are written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.target import Target

from compiler.errors import UserError
from compiler.kernels.symbols import kernel_symbols
from compiler.om.buffers import Blob
from compiler.om.contract import COMBINED, weight_folder
from compiler.om.files import write_files
from compiler.om.staging import remove_leftovers
from compiler.om.writer import lay_out_bundle, lay_out_model
from compiler.targets.om.claims import to_write
from compiler.targets.om.external import weight_files
from compiler.targets.om.model import compiled_model
from dialects.om import BundleOp, ModelOp


@dataclass(frozen=True)
class OMTarget(Target):
    """Write `<output>.om`, and a `weight/` folder beside it for weights that left the model.

    Prints the path and the size in bytes of every file. `overwrite` replaces weight files that
    another model in the folder may need.
    """

    name = "om"

    output: str
    overwrite: bool = False

    @property
    def path(self) -> Path:
        """The offline model's file; UserError where the output does not name one."""
        name = self.output.rpartition("/")[2].removesuffix(".om")
        if name in ("", ".", ".."):
            raise UserError(f"target 'om': output=\"{self.output}\" does not name a file")
        return Path(f"{self.output.removesuffix('.om')}.om")

    def files(self, module: ModuleOp) -> list[Path]:
        """The files that a module becomes."""
        folder = weight_folder(self.path)
        return [self.path, *(file for file, _ in weight_files(module, folder))]

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        path = self.path
        model = _laid_out(module)
        weights = weight_files(module, weight_folder(path))
        new = to_write(path, weights, overwrite=self.overwrite)
        path.parent.mkdir(parents=True, exist_ok=True)
        if new:
            # The folder is for its owner alone, as GraphEngine's is (`file_constant_utils.cc`).
            weight_folder(path).mkdir(mode=0o700, exist_ok=True)
        remove_leftovers(weight_folder(path))
        own = {file for file, _ in new if not file.name.endswith(COMBINED)}
        write_files([*new, (path, model)], base=path.parent, private=own)
        for file, blob in [(path, model), *weights]:
            output.write(f"{file} {blob.length}\n")


def _laid_out(module: ModuleOp) -> Blob:
    """The whole file of the one model or bundle of a module."""
    top = [op for op in module.body.block.ops if isinstance(op, ModelOp | BundleOp)]
    if len(top) != 1:
        raise UserError(
            f"an offline model is written from one om.model or om.bundle, this module has "
            f"{len(top)} (pass 'offline' makes one of an ONNX model)"
        )
    kernels = kernel_symbols(module)
    if isinstance(top[0], ModelOp):
        return lay_out_model(compiled_model(top[0], kernels))
    models = [lay_out_model(compiled_model(model, kernels)) for model in top[0].models]
    return lay_out_bundle(top[0].var_size.value.data, models)
