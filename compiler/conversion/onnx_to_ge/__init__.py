"""convert-onnx-to-ge: ONNX operators become the GraphEngine operators that ATC makes of them."""

from compiler.conversion.onnx_to_ge.convert import ConvertOnnxToGEPass

__all__ = ["ConvertOnnxToGEPass"]
