"""What is known of the Ascend SoCs: `soc(name)` gives core counts, memories and cost parameters."""

from compiler.target.costs import Costs
from compiler.target.soc_table import Soc, soc, soc_names

__all__ = ["Costs", "Soc", "soc", "soc_names"]
