"""Scheduled kernels as others read them: the order of issue, and the program to simulate."""
