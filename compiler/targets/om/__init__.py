"""-t om: offline models, bundles and weight files."""

from compiler.targets.om.target import OMTarget

__all__ = ["OMTarget"]
