"""Which engine runs a task, and what it says when it cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from runtime.device import Memory
from runtime.errors import AclError
from runtime.kernel_engine import binary
from runtime.model_registry import Models
from runtime.settings import Engine

PRODUCT = """\
davinci.kernel @product {block_dim = 1 : i64, core_type = "AIV", op_type = "Add", \
soc = "Ascend910B4"}(%x1: memref<8xf32, #davinci.space<gm>>, \
%x2: memref<8xf32, #davinci.space<gm>>, %y: memref<8xf32, #davinci.space<gm>>) {
  %a = davinci.alloc {buffers = 1 : i64, addresses = array<i64: 0>} : \
memref<8xf32, #davinci.space<ub>>
  %b = davinci.alloc {buffers = 1 : i64, addresses = array<i64: 32>} : \
memref<8xf32, #davinci.space<ub>>
  %c = davinci.alloc {buffers = 1 : i64, addresses = array<i64: 64>} : \
memref<8xf32, #davinci.space<ub>>
  davinci.load %a[0 : 1], %x1[0 : 1] sizes [8] : \
memref<8xf32, #davinci.space<ub>>, memref<8xf32, #davinci.space<gm>>
  davinci.load %b[0 : 1], %x2[0 : 1] sizes [8] : \
memref<8xf32, #davinci.space<ub>>, memref<8xf32, #davinci.space<gm>>
  davinci.set_flag MTE2 -> V [0] of %b : memref<8xf32, #davinci.space<ub>>
  davinci.wait_flag MTE2 -> V [0] of %b : memref<8xf32, #davinci.space<ub>>
  davinci.binary mul %c[0 : 1], %a[0 : 1], %b[0 : 1] sizes [8] : \
memref<8xf32, #davinci.space<ub>>, memref<8xf32, #davinci.space<ub>>, \
memref<8xf32, #davinci.space<ub>>
  davinci.set_flag V -> MTE3 [0] of %c : memref<8xf32, #davinci.space<ub>>
  davinci.wait_flag V -> MTE3 [0] of %c : memref<8xf32, #davinci.space<ub>>
  davinci.store %y[0 : 1], %c[0 : 1] sizes [8] : \
memref<8xf32, #davinci.space<gm>>, memref<8xf32, #davinci.space<ub>>
}
"""
"""The kernel of an Add that multiplies, so that it shows which engine ran."""

A, B = np.arange(8, dtype=np.float32), np.full(8, 3, np.float32)


@pytest.fixture
def model(static_builder: Callable[..., Any]) -> Callable[..., bytes]:
    """a + b, then + b again, in a model whose only kernel is the given binary."""

    def make(data: bytes, *, launches: str = "product", length: int = 8) -> bytes:
        builder = static_builder()
        builder.binaries["product"] = data
        for name in "ab":
            builder.data(name, np.float32, [length])
        builder.kernel("sum", "Add", ["a", "b"], (np.float32, [length]), launches=launches)
        builder.kernel("y", "Add", ["sum", "b"], (np.float32, [length]), launches=launches)
        builder.output("y")
        return builder.pack()

    return make


def compute(om: bytes, engine: Engine | None = None) -> list[float]:
    models = Models(Memory(), engine)
    [result] = models[models.load(om)].run([A, B])
    return result.tolist()


def test_the_default_engine_computes_the_operator(model: Callable[..., bytes]) -> None:
    assert compute(model(PRODUCT.encode())) == (A + B + B).tolist()


def test_the_kernel_engine_executes_the_kernel_in_the_file(model: Callable[..., bytes]) -> None:
    assert compute(model(PRODUCT.encode()), Engine.KERNEL) == (A * B * B).tolist()


def test_the_environment_names_the_engine(
    model: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    om = model(PRODUCT.encode())
    monkeypatch.setenv("ASCEND_OPT_ENGINE", "kernel")
    assert compute(om) == (A * B * B).tolist()
    assert compute(om, Engine.OPERATOR) == (A + B + B).tolist()
    monkeypatch.setenv("ASCEND_OPT_ENGINE", "")
    assert compute(om) == (A + B + B).tolist()
    monkeypatch.setenv("ASCEND_OPT_ENGINE", "fast")
    with pytest.raises(AclError, match="ASCEND_OPT_ENGINE=fast: the engines are operator and ker"):
        compute(om)


def test_a_kernel_is_parsed_once(
    model: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[bytes] = []

    def parse(data: bytes) -> Any:
        parsed.append(data)
        return original(data)

    original = binary.parse_kernel
    monkeypatch.setattr(binary, "parse_kernel", parse)
    compute(model(PRODUCT.encode()), Engine.KERNEL)
    assert parsed == [PRODUCT.encode()]


@pytest.mark.parametrize(
    ("data", "more", "fault"),
    [
        (b"\x7fELF\x02\x01", {}, "its binary is no davinci kernel"),
        (PRODUCT.encode(), {"launches": "other"}, "the file does not have it"),
        (PRODUCT.encode()[:400], {}, "its davinci kernel is damaged: "),
        (PRODUCT.encode() + b"\xff", {}, "its davinci kernel is damaged: "),
        (PRODUCT.encode(), {"length": 4}, r"it takes float32\[8\], .*, the node has float32\[4\],"),
    ],
)
def test_a_kernel_that_cannot_be_executed(
    data: bytes, more: dict[str, Any], fault: str, model: Callable[..., bytes]
) -> None:
    name = more.get("launches", "product")
    with pytest.raises(AclError, match=rf"node 'sum' \(Add\): kernel '{name}': {fault}") as caught:
        compute(model(data, **more), Engine.KERNEL)
    assert caught.value.code == 500002
    assert "the operator engine can run it (ASCEND_OPT_ENGINE=operator)" in caught.value.message
    assert "\n" not in caught.value.message


def test_a_kernel_that_waits_for_ever(model: Callable[..., bytes]) -> None:
    lines = PRODUCT.splitlines(keepends=True)
    om = model("".join(line for line in lines if "set_flag MTE2" not in line).encode())
    with pytest.raises(AclError, match=r"node 'sum' \(Add\): kernel 'product': deadlock") as caught:
        compute(om, Engine.KERNEL)
    assert caught.value.code == 507011


def test_ai_cpu_tasks_stay_on_the_operator_engine(
    static_builder: Callable[..., Any],
) -> None:
    builder = static_builder()
    for name in "ab":
        builder.data(name, np.float32, [8])
    builder.kernel("y", "Add", ["a", "b"], (np.float32, [8]))
    builder.tasks[0].kernel.context.kernel_type = 6
    builder.output("y")
    assert compute(builder.pack(), Engine.KERNEL) == (A + B).tolist()
