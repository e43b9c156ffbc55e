"""Models of sound, of images and text together, and of diffusion."""

from __future__ import annotations

import torch
import transformers as hf
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from examples.models.export.case import BATCH, VOCABULARY, Call, Case, Input, image, mask, tokens


def _whisper() -> nn.Module:
    config = hf.WhisperConfig(
        vocab_size=VOCABULARY,
        num_mel_bins=16,
        d_model=64,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        max_source_positions=20,
        max_target_positions=32,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
        use_cache=False,
    )
    return hf.WhisperForConditionalGeneration(config)


def whisper_encoder() -> Case:
    """Whisper's encoder: convolutions over a log-mel spectrogram, then attention."""

    def forward(module: nn.Module, features: Tensor) -> Tensor:
        return module(features).last_hidden_state

    inputs = {"input_features": Input(torch.randn(2, 16, 40), BATCH)}
    return Case(Call(_whisper().model.encoder, forward), inputs, ("last_hidden_state",))


def whisper_decoder() -> Case:
    """Whisper's decoder: causal attention, and attention to what the encoder made."""

    def forward(module: nn.Module, ids: Tensor, seen: Tensor, states: Tensor) -> Tensor:
        decoder = module.model.decoder
        decoded = decoder(ids, attention_mask=seen, encoder_hidden_states=states, use_cache=False)
        return module.proj_out(decoded.last_hidden_state)

    inputs = {"input_ids": tokens(), "attention_mask": mask()}
    inputs["encoder_hidden_states"] = Input(torch.randn(2, 20, 64), BATCH)
    return Case(Call(_whisper(), forward), inputs, ("logits",))


def clip() -> Case:
    """CLIP: the similarity of images and texts."""
    shared = {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }
    text = {"vocab_size": VOCABULARY, "max_position_embeddings": 32, "eos_token_id": 2, **shared}
    vision = {"image_size": 32, "patch_size": 8, **shared}
    config = hf.CLIPConfig(text_config=text, vision_config=vision, projection_dim=32)

    def forward(
        module: nn.Module, ids: Tensor, pixels: Tensor, seen: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        found = module(input_ids=ids, pixel_values=pixels, attention_mask=seen)
        return found.logits_per_image, found.text_embeds, found.image_embeds

    dynamic = {0: "texts", 1: "sequence"}
    inputs = {
        "input_ids": tokens(dynamic=dynamic),
        "pixel_values": Input(image().value, {0: "images"}),
        "attention_mask": mask(dynamic=dynamic),
    }
    outputs = ("logits_per_image", "text_embeds", "image_embeds")
    return Case(Call(hf.CLIPModel(config), forward), inputs, outputs)


def diffusion() -> Case:
    """The UNet of Stable Diffusion: time embedding, GroupNorm, cross-attention at each level."""
    module = UNet2DConditionModel(
        sample_size=16,
        block_out_channels=(16, 32),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=32,
        attention_head_dim=4,
        norm_num_groups=8,
    )

    def forward(module: nn.Module, sample: Tensor, time: Tensor, states: Tensor) -> Tensor:
        return module(sample, time, encoder_hidden_states=states, return_dict=False)[0]

    inputs = {
        "sample": image(16, channels=4),
        "timestep": Input(torch.tensor([7, 420]), BATCH),
        "encoder_hidden_states": Input(torch.randn(2, 6, 32), {0: "batch", 1: "sequence"}),
    }
    return Case(Call(module, forward), inputs, ("noise",))
