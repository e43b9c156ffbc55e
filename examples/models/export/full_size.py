"""Transformers in the sizes that people deploy, with fixed shapes: what inference is timed on."""

from __future__ import annotations

import torch
import transformers as hf
from torch import Tensor, nn

from examples.models.export.case import Call, Case, Input

LENGTH = 128
"""Tokens of a text."""


def _ids(vocabulary: int) -> Input:
    return Input(torch.randint(0, vocabulary, (1, LENGTH)))


def bert_base() -> Case:
    """BERT-base on 128 tokens."""

    def forward(module: nn.Module, ids: Tensor) -> Tensor:
        return module(input_ids=ids).last_hidden_state

    module = hf.BertModel(hf.BertConfig(), add_pooling_layer=False)
    return Case(Call(module, forward), {"input_ids": _ids(30522)}, ("hidden",), script=False)


def gpt2_small() -> Case:
    """GPT-2 small on 128 tokens."""

    def forward(module: nn.Module, ids: Tensor) -> Tensor:
        return module(input_ids=ids, use_cache=False).logits

    module = hf.GPT2LMHeadModel(hf.GPT2Config())
    return Case(Call(module, forward), {"input_ids": _ids(50257)}, ("logits",), script=False)


def vit_base() -> Case:
    """ViT-base on one image of 224 × 224."""

    def forward(module: nn.Module, pixels: Tensor) -> Tensor:
        return module(pixel_values=pixels).logits

    pixels = Input(torch.randn(1, 3, 224, 224))
    module = hf.ViTForImageClassification(hf.ViTConfig())
    return Case(Call(module, forward), {"pixels": pixels}, ("logits",), script=False)
