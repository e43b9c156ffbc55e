"""A simulated Ascend device that loads offline models and runs them."""
