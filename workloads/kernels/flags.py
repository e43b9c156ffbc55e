"""Flags between two pipes, for programs written by hand."""

from __future__ import annotations

from compiler.simulator.instruction import Flag, Instruction, Pipe


def set_flag(source: Pipe, destination: Pipe, event: int) -> Instruction:
    """Raise a flag."""
    return Instruction(source, "set_flag", flag=Flag(source, destination, event))


def wait_flag(source: Pipe, destination: Pipe, event: int) -> Instruction:
    """Await and clear a flag."""
    return Instruction(destination, "wait_flag", flag=Flag(source, destination, event))
