"""Which weights of a model LoRA adapters change, and which way those lie."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.errors import UserError
from compiler.refresh.checkpoint import Checkpoint
from compiler.refresh.lora import Adapter, AdapterFile
from compiler.refresh.merging import FLOATS
from compiler.refresh.pack import check_fits, near
from compiler.safetensors import IN_OUT, OUT_IN, TensorRef
from compiler.weights import Weight


@dataclass(frozen=True, slots=True)
class Match:
    """An adapter and the weight it changes."""

    adapter: Adapter
    weight: TensorRef[Weight]
    transposed: bool

    def told(self) -> str:
        """One line for the user."""
        lies = f"[{IN_OUT if self.transposed else OUT_IN}]"
        scale = f"rank {self.adapter.rank}, scale {self.adapter.scale:g}"
        return f"{self.weight.name} {self.weight.type} {lies}: {scale}"


def match(adapters: AdapterFile, model: Checkpoint, square: str | None) -> list[Match]:
    """The weight that each adapter changes. UserError for one that there is not, or does not fit.

    `square` says how matrices lie whose shape and graph do not tell.
    """
    found: dict[str, Match] = {}
    for adapter in adapters.adapters:
        name = _weight_name(adapter.target, model)
        if name in found:
            raise UserError(f"{adapters.path}: two adapters change '{name}'")
        weight = model.weights[name]
        transposed = _is_transposed(adapter, weight, model.layouts.get(name, square))
        found[name] = Match(adapter, weight, transposed)
    for tensor in adapters.whole:
        if tensor.name in found:
            raise UserError(f"{adapters.path}: '{tensor.name}' is there whole and as an adapter")
        check_fits(tensor, model.weights, model.path)
    return list(found.values())


def _weight_name(target: str, model: Checkpoint) -> str:
    for name in (target, f"{target}.weight", model.modules.get(target, "")):
        if name in model.weights:
            return name
    own = set(model.modules.values())
    known = [*model.modules, *(name for name in model.weights if name not in own)]
    raise UserError(
        f"{model.path} has no weight for the adapter of '{target}'{near(target, known)}"
    )


def _is_transposed(adapter: Adapter, weight: TensorRef[Weight], layout: str | None) -> bool:
    """Whether the weight is [in, out]; its shape says so unless it is square."""
    inputs, outputs = adapter.sizes
    fits = {OUT_IN: (outputs, *inputs) == weight.shape, IN_OUT: (*inputs, outputs) == weight.shape}
    if len(inputs) != 1:
        fits[IN_OUT] = False
    if adapter.embedding:
        fits[OUT_IN] = False
    if weight.dtype not in FLOATS:
        raise UserError(f"weight '{weight.name}' is {weight.type}: adapters change {FLOATS}")
    if not any(fits.values()):
        lies = f"[{outputs}, {', '.join(map(str, inputs))}]"
        raise UserError(
            f"weight '{weight.name}' is {weight.type}, the adapter of '{adapter.target}' changes "
            f"one of {lies}{', or transposed' if len(inputs) == 1 else ''}"
        )
    if all(fits.values()) and layout is None:
        raise UserError(
            f"weight '{weight.name}' is square, and the graph does not tell which way it lies: "
            f"--layout {OUT_IN} (as PyTorch's Linear) or --layout {IN_OUT} (as MatMul takes it)"
        )
    return layout == IN_OUT if all(fits.values()) else fits[IN_OUT]
