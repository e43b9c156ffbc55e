"""How the IR is made from ONNX and OM files, changed, and written back."""
