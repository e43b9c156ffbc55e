"""What is known of the Ascend SoCs: `soc(name)` gives core counts, memories and cost parameters."""

from compiler.soc.costs import Costs
from compiler.soc.table import DEFAULT_SOC, Soc, architecture, soc, soc_names

__all__ = ["DEFAULT_SOC", "Costs", "Soc", "architecture", "soc", "soc_names"]
