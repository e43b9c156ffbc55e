"""Weights: their bytes without holding them, what they are called, and which may be exchanged."""

from compiler.weights.computed import Computed, Operand
from compiler.weights.derived import Cast, Scatter, Transposed
from compiler.weights.element_types import numpy_dtype
from compiler.weights.files import FileBytes, Version, pin, pinned
from compiler.weights.parts import Joined, Part
from compiler.weights.values import Inline, Splat, Unreadable
from compiler.weights.weight import CHUNK, Weight

__all__ = [
    "CHUNK",
    "Cast",
    "Computed",
    "FileBytes",
    "Inline",
    "Joined",
    "Operand",
    "Part",
    "Scatter",
    "Splat",
    "Transposed",
    "Unreadable",
    "Version",
    "Weight",
    "numpy_dtype",
    "pin",
    "pinned",
]
