"""Exports every model with both of torch's exporters: `python -m examples.models.export [name…]`.

The weights are drawn from a seed, and left out of the files; only this package needs torch.
"""

from __future__ import annotations

import io
import logging
import math
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import torch
from torch import nn

from examples.models.export import full_size, language, multimodal, recurrent, vision
from examples.models.export.case import Call, Case
from examples.models.weights import strip

FOLDER = Path(__file__).parents[1]
FULL_SIZE_FOLDER = Path(__file__).parents[3] / "bench" / "models"
OPSETS = {"script": 17, "dynamo": 20}
MODELS: tuple[Callable[[], Case], ...] = (
    vision.resnet,
    vision.mobilenet,
    vision.efficientnet,
    vision.yolo,
    vision.unet,
    vision.vit,
    vision.swin,
    language.bert,
    language.gpt2,
    language.llama,
    language.llama_cache,
    language.t5,
    multimodal.whisper_encoder,
    multimodal.whisper_decoder,
    multimodal.clip,
    multimodal.diffusion,
    recurrent.lstm,
    recurrent.gru,
)
FULL_SIZE = (full_size.bert_base, full_size.gpt2_small, full_size.vit_base)
"""Models in the sizes that people deploy: inference is timed on them."""


def main(names: list[str]) -> None:
    """Write `<model>_<exporter>.onnx` for the models named, or for all."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    failed = 0
    for model in (*MODELS, *FULL_SIZE):
        for exporter in OPSETS:
            if names and model.__name__ not in names:
                continue
            try:
                _export(model, exporter)
            except Exception as error:
                failed += 1
                reason = str(error).strip().partition("\n")[0]
                print(f"{model.__name__}_{exporter}: {type(error).__name__}: {reason}")
    sys.exit(failed > 0)


def _export(model: Callable[[], Case], exporter: str) -> None:
    torch.manual_seed(0)
    case = model()
    if not getattr(case, exporter):
        return
    _randomise(case.module.eval())
    _calibrate(case)
    chatter = io.StringIO()
    with TemporaryDirectory() as scratch, torch.no_grad(), redirect_stdout(chatter):
        path = Path(scratch) / "model.onnx"
        {"script": _script, "dynamo": _dynamo}[exporter](case, path)
        exported = onnx.load(path)
    folder = FULL_SIZE_FOLDER if model in FULL_SIZE else FOLDER
    target = folder / f"{model.__name__}_{exporter}.onnx"
    onnx.save(strip(exported, target.with_suffix(".weights").name), target)
    print(f"{target.name}: {len(exported.graph.node)} nodes, {target.stat().st_size} bytes")


def _randomise(module: nn.Module) -> None:
    """Weights that keep a signal's size through the layers, and normalisations that do something.

    With the small weights that training begins from, what leaves a deep model hardly depends on
    what enters it; and the ones and zeros of a new normalisation hide mistakes.
    """
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d):
            part.weight.data.normal_(0, 1 / math.sqrt(part.weight[0].numel()))
        if "Norm" in type(part).__name__:
            for tensor in (*part.parameters(recurse=False), *part.buffers(recurse=False)):
                if tensor.is_floating_point():
                    tensor.data += torch.rand_like(tensor) - 0.5


def _calibrate(case: Case) -> None:
    """Statistics of batch normalisations of the size that training would have found.

    The variances of a layer are alike, as they are where weights are drawn and not learnt.
    """
    norms = [part for part in case.module.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0  # the last batch alone
        norm.train()
    if norms:
        pixels = case.inputs["pixels"].value
        with torch.no_grad():
            case.module(torch.randn(64, *pixels.shape[1:]))
        for norm in norms:
            variance = norm.running_var
            assert variance is not None
            variance[:] = variance.mean() * (0.8 + 0.4 * torch.rand_like(variance))
    case.module.eval()


def _script(case: Case, path: Path) -> None:
    torch.onnx.export(
        case.module,
        tuple(value.value for value in case.inputs.values()),
        path,
        dynamo=False,
        opset_version=OPSETS["script"],
        input_names=list(case.inputs),
        output_names=list(case.outputs),
        dynamic_axes={name: value.dynamic for name, value in case.inputs.items() if value.dynamic},
    )


def _dynamo(case: Case, path: Path) -> None:
    torch.onnx.export(
        case.module,
        tuple(value.value for value in case.inputs.values()),
        path,
        dynamo=True,
        verbose=False,
        external_data=False,
        opset_version=OPSETS["dynamo"],
        input_names=list(case.inputs),
        output_names=list(case.outputs),
        dynamic_shapes=_dimensions(case),
    )


def _dimensions(case: Case) -> tuple[object, ...]:
    """The dynamic dimensions of each input; one name is one dimension throughout."""
    known: dict[str, torch.export.Dim] = {}

    def dimension(name: str) -> object:
        base, plus, _ = name.partition("+1")
        known.setdefault(base, torch.export.Dim(base))
        return known[base] + 1 if plus else known[base]

    shapes = tuple(
        {axis: dimension(name) for axis, name in value.dynamic.items()}
        for value in case.inputs.values()
    )
    # A Call takes all its inputs as one parameter, *arguments.
    return (shapes,) if isinstance(case.module, Call) else shapes


main(sys.argv[1:])
