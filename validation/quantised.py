"""A kernel of float16 as one of int8: the same tiles, every element a byte."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from compiler.simulator.instruction import Instruction, Loop, Program, Transfer


def quantised(program: Program) -> Program:
    """The program with half the bytes, and half the fractals, which hold 32 elements of k then."""
    return [_half(item) for item in program]


def _half(item: Instruction | Loop) -> Instruction | Loop:
    if isinstance(item, Loop):
        steps = {buffer: step // 2 for buffer, step in item.steps.items()}
        return Loop(item.count, quantised(item.body), steps)
    return _half_instruction(item)


@cache
def _half_instruction(item: Instruction) -> Instruction:
    transfer = None if item.transfer is None else _half_transfer(item.transfer)
    return replace(
        item,
        bytes=-(-item.bytes // 2),
        fractals=-(-item.fractals // 2),
        repeats=-(-item.repeats // 2),
        element_bytes=1,
        transfer=transfer,
    )


def _half_transfer(transfer: Transfer) -> Transfer:
    return replace(
        transfer,
        offset=transfer.offset // 2,
        burst_bytes=-(-transfer.burst_bytes // 2),
        pitch=transfer.pitch // 2,
    )
