"""A mixed kernel as the proof of its groups sees it: programs of cores, and what they share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from xdsl.ir import BlockArgument

from compiler.kernels.issue import IssueOrder, Record, issue_order
from compiler.planning.group_proof import GroupStep
from compiler.planning.sync_program import PIPES, Event
from compiler.soc import soc
from dialects.davinci import CrossSetOp, CrossWaitOp, InstructionOp, KernelOp, SetFlagOp, WaitFlagOp


class Part(NamedTuple):
    """Elements of a kernel's argument."""

    argument: int
    first: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def last(self) -> int:
        """The last element."""
        return self.first + sum((n - 1) * s for n, s in zip(self.sizes, self.strides, strict=True))

    def meets(self, other: Part) -> bool:
        """Whether the two have an element in common."""
        if self.argument != other.argument or self.first > other.last or other.first > self.last:
            return False
        return bool(np.intersect1d(self._elements(), other._elements()).size)

    def _elements(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        places = np.array([self.first])
        for size, stride in zip(self.sizes, self.strides, strict=True):
            places = (places[:, None] + np.arange(size) * stride).reshape(-1)
        return places


class GroupPrograms:
    """The programs of each group's cores; `parts` are numbered as the programs have them."""

    def __init__(self, kernel: KernelOp):
        self._kernel = kernel
        self._orders = [issue_order(kernel, function) for function in kernel.functions]
        self._shared = {
            op.writes
            for order in self._orders
            for op in order.ops
            if isinstance(op, InstructionOp) and isinstance(op.writes, BlockArgument)
        }
        self.parts: dict[Part, int] = {}

    def __iter__(self) -> Iterator[list[list[GroupStep]]]:
        """The programs of each group's cores, the cube core's first."""
        target = soc(self._kernel.soc.data)
        cube, vector = self._orders
        for block in range(self._kernel.blocks):
            subs = range(target.vector_cores // target.cube_cores)
            programs = [
                (cube, cube.records(block)),
                *((vector, vector.records(block, s)) for s in subs),
            ]
            yield [[self._step(order, record) for record in records] for order, records in programs]

    def meets(self) -> Mapping[int, Sequence[int]]:
        """For each part those that it has elements in common with."""
        found: dict[int, list[int]] = defaultdict(list)
        parts = sorted(self.parts.items(), key=lambda item: item[0][:2])
        open_parts: list[tuple[Part, int]] = []
        for part, number in parts:
            open_parts = [
                o for o in open_parts if o[0].argument == part.argument and o[0].last >= part.first
            ]
            found[number].append(number)
            for other, its_number in open_parts:
                if part.meets(other):
                    found[number].append(its_number)
                    found[its_number].append(number)
            open_parts.append((part, number))
        return found

    def _step(self, order: IssueOrder, record: Record) -> GroupStep:
        op = order.ops[record[0]]
        pipe, name = PIPES.index(op.pipe), f"#{record[0]} {op.name.partition('.')[2]}"
        match op:
            case SetFlagOp() | WaitFlagOp():
                pipes = PIPES.index(op.source_pipe), PIPES.index(op.destination_pipe)
                return GroupStep(pipe, name, op.SETS, event=Event(*pipes, order.event(record)))
            case CrossSetOp() | CrossWaitOp():
                return GroupStep(pipe, f"{name} {op.flag_id}", op.SETS, flag=op.flag_id)
            case InstructionOp():
                first, *others = self._used(order, record)
                return GroupStep(
                    pipe, name, reads=tuple(p for part in others for p in part), writes=first
                )
            case _:
                return GroupStep(pipe, name)

    def _used(self, order: IssueOrder, record: Record) -> Iterator[tuple[int, ...]]:
        at = order.resolve(record)
        for place in at.places:
            buffer = place.buffer
            if isinstance(buffer, BlockArgument) and buffer in self._shared and min(at.sizes) > 0:
                part = Part(buffer.index, place.offsets[0], at.sizes, place.strides)
                yield (self.parts.setdefault(part, len(self.parts)),)
            else:
                yield ()
