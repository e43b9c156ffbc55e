"""Kernels as others read them: buffers, flags, the order of issue, the program to simulate."""
