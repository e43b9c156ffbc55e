"""Whole networks in ONNX's text form, their weights as inputs."""

from __future__ import annotations

STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""Channels inside a block of ResNet-50, blocks, stride of the first."""


def resnet50(batch: int) -> str:
    """The convolutions and pools of ResNet-50 v1 for images of 224 × 224.

    What GraphEngine fuses into the convolutions is left out: their biases, ReLUs and additions.
    """
    network = _Network(batch)
    value = network.conv("x", 3, 64, 7, 2)
    sizes = "kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]"
    value = network.op("MaxPool", value, sizes)
    channels = 64
    for inner, blocks, first in STAGES:
        for stride in (first, *(1,) * (blocks - 1)):
            value, channels = network.block(value, channels, inner, stride)
    value = network.op("Flatten", network.op("GlobalAveragePool", value))
    network.inputs.append("float16[2048, 1000] w")
    network.outputs.append(f"float16[{batch}, 1000] {network.op('MatMul', f'{value}, w')}")
    return network.text


class _Network:
    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.inputs = [f"float16[{batch}, 3, 224, 224] x"]
        self.outputs: list[str] = []
        self.lines: list[str] = []

    @property
    def text(self) -> str:
        """The graph."""
        inputs, outputs = ", ".join(self.inputs), ", ".join(self.outputs)
        return f"({inputs}) => ({outputs}) {{ {' '.join(self.lines)} }}"

    def op(self, name: str, values: str, attributes: str = "") -> str:
        """A node; its output."""
        result = f"v{len(self.lines)}"
        options = f"<{attributes}>" if attributes else ""
        self.lines.append(f"{result} = {name}{options}({values})")
        return result

    def conv(self, value: str, inputs: int, outputs: int, size: int, stride: int) -> str:
        """A convolution."""
        number, pad = len(self.inputs), size // 2
        self.inputs.append(f"float16[{outputs}, {inputs}, {size}, {size}] w{number}")
        sizes = f"kernel_shape = [{size}, {size}], strides = [{stride}, {stride}]"
        pads = f"pads = [{pad}, {pad}, {pad}, {pad}]"
        return self.op("Conv", f"{value}, w{number}", f"{sizes}, {pads}")

    def block(self, value: str, channels: int, inner: int, stride: int) -> tuple[str, int]:
        """Three convolutions and, where the shape changes, that on the way around them."""
        left = self.conv(value, channels, inner, 1, 1)
        left = self.conv(left, inner, inner, 3, stride)
        left = self.conv(left, inner, 4 * inner, 1, 1)
        if channels != 4 * inner:
            around, side = self.conv(value, channels, 4 * inner, 1, stride), 56 * 64 // inner
            self.outputs.append(f"float16[{self.batch}, {4 * inner}, {side}, {side}] {around}")
        return left, 4 * inner
