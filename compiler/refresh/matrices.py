"""Which way a matrix of weights lies."""

IN_OUT, OUT_IN = "in,out", "out,in"
"""Inputs by outputs of the layer, as MatMul takes it; or as PyTorch's Linear keeps it."""
