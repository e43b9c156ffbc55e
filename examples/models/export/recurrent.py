"""Recurrent models."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from examples.models.export.case import TOKENS, VOCABULARY, Case, Input, tokens


class _Tagger(nn.Module):
    """A bidirectional LSTM of two layers that names each token's class."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 32)
        self.lstm = nn.LSTM(32, 24, num_layers=2, batch_first=True, bidirectional=True)
        self.classes = nn.Linear(48, 7)

    def forward(self, ids: Tensor) -> Tensor:
        return self.classes(self.lstm(self.embedding(ids))[0])


def lstm() -> Case:
    """A tagger of tokens."""
    return Case(_Tagger(), {"input_ids": tokens()}, ("logits",))


class _Series(nn.Module):
    """A GRU of two layers that forecasts a series, and hands its state on."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(6, 24, num_layers=2, batch_first=True)
        self.head = nn.Sequential(nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 3))

    def forward(self, series: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        steps, last = self.gru(series, state)
        return self.head(steps[:, -1]), last


def gru() -> Case:
    """A forecast from a series and the state before it."""
    inputs = {
        "series": Input(torch.randn(2, 9, 6), TOKENS),
        "state": Input(torch.randn(2, 2, 24), {1: "batch"}),
    }
    return Case(_Series(), inputs, ("forecast", "last_state"))
