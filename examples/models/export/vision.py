"""Models of images: convolutional networks and vision transformers."""

from __future__ import annotations

from itertools import pairwise

import torch
import transformers as hf
from torch import Tensor, nn
from torch.nn.functional import interpolate, silu

from examples.models.export.case import Call, Case, image


def _logits(module: nn.Module, pixels: Tensor) -> Tensor:
    return module(pixels).logits


def _classifier(module: nn.Module, size: int = 32) -> Case:
    return Case(Call(module, _logits), {"pixels": image(size)}, ("logits",))


def resnet() -> Case:
    """Bottleneck residual blocks, as ResNet-50 has them."""
    config = hf.ResNetConfig(
        embedding_size=16, hidden_sizes=[32, 64, 96], depths=[1, 2, 1], num_labels=10
    )
    return _classifier(hf.ResNetForImageClassification(config))


def mobilenet() -> Case:
    """MobileNetV2: inverted residuals, depthwise convolutions, ReLU6, "same" padding."""
    config = hf.MobileNetV2Config(depth_multiplier=0.25, min_depth=8, num_labels=10)
    return _classifier(hf.MobileNetV2ForImageClassification(config))


def efficientnet() -> Case:
    """EfficientNet: squeeze-and-excitation and SiLU."""
    config = hf.EfficientNetConfig(width_coefficient=0.25, depth_coefficient=0.3, hidden_dim=320)
    return _classifier(hf.EfficientNetForImageClassification(config), 64)


def vit() -> Case:
    """A vision transformer with a class token."""
    config = hf.ViTConfig(
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        image_size=32,
        patch_size=8,
        num_labels=10,
    )
    return _classifier(hf.ViTForImageClassification(config))


def swin() -> Case:
    """Swin: shifted windows, relative position bias, patch merging."""
    config = hf.SwinConfig(
        image_size=32,
        patch_size=2,
        embed_dim=24,
        depths=[2, 2],
        num_heads=[2, 4],
        window_size=4,
        num_labels=10,
    )
    return _classifier(hf.SwinForImageClassification(config))


class _Block(nn.Sequential):
    def __init__(self, inputs: int, outputs: int):
        layers: list[nn.Module] = []
        for channels in (inputs, outputs):
            layers += [nn.Conv2d(channels, outputs, 3, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(outputs), nn.ReLU()]
        super().__init__(*layers)


class _UNet(nn.Module):
    """Ronneberger et al., arXiv:1505.04597: transposed convolutions and skip connections."""

    def __init__(self, widths: tuple[int, ...] = (8, 16, 32)):
        super().__init__()
        self.first = _Block(3, widths[0])
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList(_Block(a, b) for a, b in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairs)
        self.merge = nn.ModuleList(_Block(2 * a, a) for a, _ in pairs)
        self.last = nn.Conv2d(widths[0], 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips = [self.first(x)]
        for block in self.down:
            skips.append(block(nn.functional.max_pool2d(skips[-1], 2)))
        x = skips.pop()
        for up, merge in zip(reversed(self.up), reversed(self.merge), strict=True):
            x = merge(torch.cat([skips.pop(), up(x)], 1))
        return self.last(x)


def unet() -> Case:
    """U-Net for segmentation."""
    return Case(_UNet(), {"pixels": image()}, ("classes",))


class _ConvSiLU(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return silu(self.norm(self.conv(x)))


class _Split(nn.Module):
    """YOLOv8's C2f: half of the channels goes through bottlenecks, all parts are joined."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        half = outputs // 2
        self.enter = _ConvSiLU(inputs, outputs)
        self.inner = nn.Sequential(_ConvSiLU(half, half, 3), _ConvSiLU(half, half, 3))
        self.leave = _ConvSiLU(3 * half, outputs)

    def forward(self, x: Tensor) -> Tensor:
        parts = list(self.enter(x).chunk(2, 1))
        parts.append(parts[-1] + self.inner(parts[-1]))
        return self.leave(torch.cat(parts, 1))


class _SpatialPyramid(nn.Module):
    """YOLO's SPPF: one pooling three times."""

    def __init__(self, channels: int):
        super().__init__()
        self.enter = _ConvSiLU(channels, channels // 2)
        self.leave = _ConvSiLU(2 * channels, channels)
        self.pool = nn.MaxPool2d(5, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        parts = [self.enter(x)]
        for _ in range(3):
            parts.append(self.pool(parts[-1]))
        return self.leave(torch.cat(parts, 1))


class _Yolo(nn.Module):
    """A small YOLOv8: backbone, top-down neck, anchor-free head with distribution focal loss."""

    CLASSES, BINS, STRIDES = 5, 8, (4, 8, 16)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_ConvSiLU(3, 8, 3, 2), _ConvSiLU(8, 16, 3, 2), _Split(16, 16))
        self.stage4 = nn.Sequential(_ConvSiLU(16, 32, 3, 2), _Split(32, 32))
        self.stage5 = nn.Sequential(_ConvSiLU(32, 48, 3, 2), _Split(48, 48), _SpatialPyramid(48))
        self.neck4, self.neck3 = _Split(80, 32), _Split(48, 16)
        widths = (16, 32, 48)
        self.box = nn.ModuleList(nn.Conv2d(width, 4 * self.BINS, 1) for width in widths)
        self.cls = nn.ModuleList(nn.Conv2d(width, self.CLASSES, 1) for width in widths)
        self.project = nn.Conv2d(self.BINS, 1, 1, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        p3 = self.stem(x)
        p4 = self.stage4(p3)
        p5 = self.stage5(p4)
        p4 = self.neck4(torch.cat([interpolate(p5, scale_factor=2.0), p4], 1))
        p3 = self.neck3(torch.cat([interpolate(p4, scale_factor=2.0), p3], 1))
        levels = (p3, p4, p5)
        boxes = torch.cat([f(p).flatten(2) for f, p in zip(self.box, levels, strict=True)], 2)
        classes = torch.cat([f(p).flatten(2) for f, p in zip(self.cls, levels, strict=True)], 2)
        return self._decode(boxes, levels), classes.sigmoid()

    def _decode(self, boxes: Tensor, levels: tuple[Tensor, ...]) -> Tensor:
        """Distances to the four sides, as corners in pixels: [batch, 4, points]."""
        bins = boxes.unflatten(1, (4, self.BINS)).transpose(2, 1).softmax(1)
        left, right = self.project(bins).squeeze(1).chunk(2, 1)
        centres, strides = self._points(levels)
        return torch.cat([centres - left, centres + right], 1) * strides

    def _points(self, levels: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        centres: list[Tensor] = []
        strides: list[Tensor] = []
        for level, stride in zip(levels, self.STRIDES, strict=True):
            height, width = level.shape[2:]
            y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
            centres.append(torch.stack([x, y]).flatten(1) + 0.5)
            strides.append(torch.full((1, height * width), float(stride)))
        return torch.cat(centres, 1), torch.cat(strides, 1)


def yolo() -> Case:
    """YOLOv8's building blocks and its head."""
    return Case(_Yolo(), {"pixels": image(64)}, ("boxes", "scores"))
