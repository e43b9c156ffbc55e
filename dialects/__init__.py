"""The IR of ascend-opt: one module per dialect, nothing but xdsl beneath them."""
