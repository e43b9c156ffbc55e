"""convert-ge-to-om: graphs become offline models, nodes their tasks."""

from compiler.conversion.ge_to_om.convert import ConvertGEToOMPass

__all__ = ["ConvertGEToOMPass"]
