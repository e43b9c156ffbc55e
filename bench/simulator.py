"""CPU seconds from operators to their simulated schedule, for kernels and models; one line."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.compiler import MODEL, cpu_seconds
from bench.llama_layer import LlamaLayer
from compiler.simulator.kernel import simulate_kernel
from compiler.soc import soc
from workloads.kernels.compiled import matmul_programs

SOC = "Ascend910B1"
SMALL, LARGE = 8192, 32768
TOKENS = 2048
REPEATS = 3
GROWTH = 8
"""How many times as long the large product may take: it has 64 times as many tiles."""


def matmul_seconds(size: int) -> float:
    """A product of two square f16 matrices: tiles, memory, flags and simulation, no imports."""
    start = time.process_time()
    simulate_kernel(matmul_programs(SOC, size, size, size), soc(SOC), core_type="AI_CORE")
    return time.process_time() - start


def main() -> None:
    """Print the figures, each with its goal; exit 1 when one is missed."""
    matmul_seconds(512)  # imports
    small, large = (median(matmul_seconds(n) for _ in range(REPEATS)) for n in (SMALL, LARGE))
    with tempfile.TemporaryDirectory() as folder:
        layer = Path(folder) / "layer.onnx"
        LlamaLayer(TOKENS).save(layer)
        schedule = ("-p", "offline", "-t", f'schedule{{output="{folder}/s"}}')
        resnet, llama = (
            median(cpu_seconds(str(model), *schedule) for _ in range(REPEATS))
            for model in (MODEL, layer)
        )
    print(
        f"simulator: CPU of {SMALL}³ matmul {small:.2f} s (< 2 s),",
        f"of {LARGE}³ {large / small:.1f} times that (≤ {GROWTH}),",
        f"of ResNet-50 from ONNX {resnet:.2f} s (< 4 s),",
        f"of a Llama-7B layer at {TOKENS:,} tokens from ONNX {llama:.2f} s (< 4 s)",
    )
    sys.exit(small >= 2 or large > GROWTH * small or resnet >= 4 or llama >= 4)


if __name__ == "__main__":
    main()
