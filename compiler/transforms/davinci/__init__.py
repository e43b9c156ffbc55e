"""Passes on kernels: memory, synchronisation, proof."""
