"""Models of text: encoders, decoders with and without a cache, an encoder with its decoder."""

from __future__ import annotations

import torch
import transformers as hf
from torch import Tensor, nn
from transformers.cache_utils import DynamicCache

from examples.models.export.case import VOCABULARY, Call, Case, Input, mask, tokens


def bert() -> Case:
    """BERT for the classes of whole texts."""
    config = hf.BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=64,
    )
    inputs = {"input_ids": tokens(), "attention_mask": mask(), "token_type_ids": tokens()}
    inputs["token_type_ids"] = Input(inputs["input_ids"].value % 2, tokens().dynamic)

    def forward(module: nn.Module, ids: Tensor, seen: Tensor, types: Tensor) -> Tensor:
        return module(input_ids=ids, attention_mask=seen, token_type_ids=types).logits

    return Case(Call(hf.BertForSequenceClassification(config), forward), inputs, ("logits",))


def _decoder(module: nn.Module) -> Case:
    def forward(module: nn.Module, ids: Tensor, seen: Tensor) -> Tensor:
        return module(input_ids=ids, attention_mask=seen, use_cache=False).logits

    inputs = {"input_ids": tokens(), "attention_mask": mask()}
    return Case(Call(module, forward), inputs, ("logits",))


def gpt2() -> Case:
    """GPT-2 without a cache."""
    config = hf.GPT2Config(vocab_size=VOCABULARY, n_positions=64, n_embd=64, n_layer=2, n_head=4)
    return _decoder(hf.GPT2LMHeadModel(config))


def _llama() -> nn.Module:
    config = hf.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
    )
    return hf.LlamaForCausalLM(config)


def llama() -> Case:
    """Llama: grouped-query attention, rotary positions, RMSNorm, SwiGLU."""
    return _decoder(_llama())


def llama_cache() -> Case:
    """One step of Llama with the keys and values of the tokens before."""

    def forward(module: nn.Module, ids: Tensor, seen: Tensor, *past: Tensor) -> tuple[Tensor, ...]:
        cache = DynamicCache([(past[0], past[1]), (past[2], past[3])])
        found = module(input_ids=ids, attention_mask=seen, past_key_values=cache, use_cache=True)
        layers = found.past_key_values.layers
        return (found.logits, *(kept for layer in layers for kept in (layer.keys, layer.values)))

    inputs = {"input_ids": tokens(1, {0: "batch"}), "attention_mask": mask(9)}
    names = [f"{kind}_{layer}" for layer in range(2) for kind in ("key", "value")]
    for name in names:
        inputs[f"past_{name}"] = Input(torch.randn(2, 2, 8, 16), {0: "batch", 2: "past"})
    inputs["attention_mask"] = Input(inputs["attention_mask"].value, {0: "batch", 1: "past+1"})
    return Case(Call(_llama(), forward), inputs, ("logits", *names))


def t5() -> Case:
    """T5: relative position buckets, an encoder and a decoder with cross-attention."""
    config = hf.T5Config(
        vocab_size=VOCABULARY,
        d_model=64,
        d_kv=16,
        d_ff=128,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
        use_cache=False,
    )

    def forward(module: nn.Module, ids: Tensor, seen: Tensor, decoded: Tensor) -> Tensor:
        return module(input_ids=ids, attention_mask=seen, decoder_input_ids=decoded).logits

    inputs = {"input_ids": tokens(), "attention_mask": mask()}
    inputs["decoder_input_ids"] = tokens(5, {0: "batch", 1: "decoded"})
    return Case(Call(hf.T5ForConditionalGeneration(config), forward), inputs, ("logits",))
