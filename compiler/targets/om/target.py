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
from compiler.om.contract import weight_folder
from compiler.om.writer import lay_out_model, write_bundle, write_om
from compiler.targets.om.external import write_weight_files
from compiler.targets.om.model import compiled_model
from dialects.om import BundleOp, ModelOp


@dataclass(frozen=True)
class OMTarget(Target):
    """Write `<output>.om`, and a `weight/` folder beside it for weights that left the model.

    Prints the path and the size in bytes of every file.
    """

    name = "om"

    output: str

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        path = Path(f"{self.output}.om")
        top = [op for op in module.body.block.ops if isinstance(op, ModelOp | BundleOp)]
        if len(top) != 1:
            raise UserError(
                f"an offline model is written from one om.model or om.bundle, this module has "
                f"{len(top)} (pass 'offline' makes one of an ONNX model)"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        files = write_weight_files(module, weight_folder(path))
        _write(path, module, top[0])
        for file, size in [(path, path.stat().st_size), *files]:
            output.write(f"{file} {size}\n")


def _write(path: Path, module: ModuleOp, top: ModelOp | BundleOp) -> None:
    kernels = kernel_symbols(module)
    if isinstance(top, ModelOp):
        write_om(path, compiled_model(top, kernels))
    else:
        models = [lay_out_model(compiled_model(model, kernels)) for model in top.models]
        write_bundle(path, top.var_size.value.data, models)
