"""The target itself: which files a module becomes, and in which order they are written."""

from __future__ import annotations

from collections.abc import Sequence
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
from compiler.om.files import new_folders, write_files
from compiler.om.staging import remove_leftovers
from compiler.om.writer import lay_out_bundle
from compiler.targets.om.claims import to_write
from compiler.targets.om.damage import check_weight_files
from compiler.targets.om.external import weight_files
from compiler.targets.om.kept import header_fields
from compiler.targets.om.model import lay_out
from dialects.om import BundleOp, ModelOp


@dataclass(frozen=True)
class OMTarget(Target):
    """Write `<output>.om`, and a `weight/` folder beside it for weights that left the model.

    Prints the path and the size in bytes of every file. `overwrite` replaces weight files that
    another model in the folder may need. `compress_attributes` codes the names and texts of
    attributes by a dictionary, as ATC does by default; Netron then shows neither them nor weights.
    """

    name = "om"

    output: str
    overwrite: bool = False
    compress_attributes: bool = False

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
        check_weight_files(module)
        model = laid_out(module, compress=self.compress_attributes)
        weights = weight_files(module, weight_folder(path))
        write_offline_model(path, model, weights, overwrite=self.overwrite)
        for file, blob in [(path, model), *weights]:
            output.write(f"{file} {blob.length}\n")


def write_offline_model(
    path: Path, model: Blob, weights: Sequence[tuple[Path, Blob]], *, overwrite: bool = False
) -> None:
    """Write a model and the weight files that are not there yet, all of them or none.

    OverwritingError for a weight file that is other bytes to another model, without `overwrite`.
    """
    new = to_write(path, weights, overwrite=overwrite)
    # The folder is for its owner alone, as GraphEngine's is (`file_constant_utils.cc`).
    folders = [(path.parent, 0o777), *([(weight_folder(path), 0o700)] if new else [])]
    with new_folders(*folders):
        remove_leftovers(weight_folder(path))
        own = {file for file, _ in new if not file.name.endswith(COMBINED)}
        write_files([*new, (path, model)], base=path.parent, private=own)


def laid_out(module: ModuleOp, *, compress: bool = False) -> Blob:
    """The whole file of the one model or bundle of a module; its weights are not yet read."""
    top = [op for op in module.body.block.ops if isinstance(op, ModelOp | BundleOp)]
    if len(top) != 1:
        raise UserError(
            f"an offline model is written from one om.model or om.bundle, this module has "
            f"{len(top)} (pass 'offline' makes one of an ONNX model)"
        )
    kernels = kernel_symbols(module)
    if isinstance(top[0], ModelOp):
        return lay_out(top[0], kernels, compress=compress)
    return _bundle(top[0], [lay_out(m, kernels, compress=compress) for m in top[0].models])


def _bundle(bundle: BundleOp, models: Sequence[Blob]) -> Blob:
    if bundle.omits:
        more = ", ".join(name.data for name in bundle.omits)
        raise UserError(f"the bundle comes from a file that also has {more}: it is not written")
    var_size = None if bundle.no_var_entry else bundle.var_size.value.data
    return lay_out_bundle(var_size, models, header_fields(bundle.header))
