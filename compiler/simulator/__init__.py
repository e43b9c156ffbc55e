"""Cost model and event simulation of AI-Core kernels over plain data."""
