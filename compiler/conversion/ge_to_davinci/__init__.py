"""Lowering of GraphEngine nodes to kernels: the pass, and the operators it can build."""

from compiler.conversion.ge_to_davinci.convert import ConvertGEToDavinciPass
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.conversion.ge_to_davinci.registry import BUILDERS

__all__ = ["BUILDERS", "ConvertGEToDavinciPass", "Operator", "UnsupportedError"]
