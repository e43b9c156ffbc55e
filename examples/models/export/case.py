"""What is exported: a module, example inputs with their dynamic dimensions, and output names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

BATCH = {0: "batch"}
TOKENS = {0: "batch", 1: "sequence"}
VOCABULARY = 100


@dataclass(frozen=True, slots=True)
class Input:
    """An example value, and the names of those of its dimensions that vary."""

    value: Tensor
    dynamic: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One model; `script` and `dynamo` say which of torch's two exporters take it."""

    module: nn.Module
    inputs: dict[str, Input]
    outputs: tuple[str, ...]
    script: bool = True
    dynamo: bool = True


class Call(nn.Module):
    """A module whose forward picks tensors out of what another returns."""

    def __init__(self, module: nn.Module, forward: Callable[..., object]):
        super().__init__()
        self.module = module
        self.function = forward

    def forward(self, *arguments: Tensor) -> object:
        return self.function(self.module, *arguments)


def image(size: int = 32, channels: int = 3, batch: int = 2) -> Input:
    """Images [batch, channels, size, size] of any number."""
    return Input(torch.randn(batch, channels, size, size), BATCH)


def tokens(length: int = 9, dynamic: dict[int, str] = TOKENS) -> Input:
    """Token numbers [2, length], int64."""
    return Input(torch.randint(0, VOCABULARY, (2, length)), dynamic)


def mask(length: int = 9, dynamic: dict[int, str] = TOKENS) -> Input:
    """An attention mask [2, length], int64, whose second row ends in padding."""
    ones = torch.ones(2, length, dtype=torch.int64)
    ones[1, -3:] = 0
    return Input(ones, dynamic)
