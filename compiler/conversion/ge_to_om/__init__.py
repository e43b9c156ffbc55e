"""convert-ge-to-om: graphs become offline models: tasks, streams, a memory plan."""

from compiler.conversion.ge_to_om.convert import ConvertGEToOMPass

__all__ = ["ConvertGEToOMPass"]
