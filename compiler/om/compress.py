"""Codes attributes by a dictionary of the model, as GraphEngine does when it saves.

`attribute_dictionary` reads them again. Source: `model_compress_manager.cc`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from compiler.om.attribute_dictionary import BASE, NAMES, USES_STRING, VALUES, VERSION, Attributes
from compiler.om.attributes import ListKind, TypedList, set_attribute
from compiler.om.contract import KERNEL_NAME
from compiler.om.ge_ir_pb2 import AttrDef, ModelDef, OpDef

UNUSED = ("_l2fusion_ToOpStruct", "_op_slice_info", "_ir_attr_names")
"""Attributes of operators that are dropped."""

SERIALIZER = frozenset(
    "_input_name_key _input_name_value _output_name_key _output_name_value _opt_input "
    "_ir_inputs_key _ir_inputs_value _ir_outputs_key _ir_outputs_value origin_format "
    "origin_format_for_int format_for_int origin_shape_initialized origin_shape "
    "origin_data_type".split()
)
"""What the serializer notes for itself, after the attributes have been coded."""

ATOMIC_KERNEL_NAME = "_atomic_kernelname"
LOADED_NAME = "_tbe_kernel_name_for_load"


def compress_attributes(model: ModelDef) -> None:
    """Code the attributes of operators and of their tensors, in place, and note the dictionary.

    A model that has a dictionary stays as it is. A name whose values are texts in one place and
    something else in another stays plain: GraphEngine could not read it back.
    """
    if VERSION in model.attr:
        return
    for op in _ops(model):
        _tidy(op)
    holders = [holder for op in _ops(model) for holder in _holders(op)]
    tables = _Tables(_mixed(holders))
    for holder in holders:
        tables.code(holder)
    if tables.names:
        tables.note(model)


def _ops(model: ModelDef) -> Iterator[OpDef]:
    return (op for graph in model.graph for op in graph.op)


def _holders(op: OpDef) -> Iterator[Attributes]:
    yield op.attr
    yield from (desc.attr for desc in (*op.input_desc, *op.output_desc))


def _tidy(op: OpDef) -> None:
    """Drop what nobody reads; a kernel's name has one place instead of three."""
    for name in UNUSED:
        op.attr.pop(name, None)
    _fold(op, KERNEL_NAME, (f"{op.name}{KERNEL_NAME}", LOADED_NAME))
    _fold(op, ATOMIC_KERNEL_NAME, (f"{op.name}{ATOMIC_KERNEL_NAME}",))


def _fold(op: OpDef, name: str, others: tuple[str, ...]) -> None:
    found = [op.attr[other].s for other in others if other in op.attr]
    if found and name not in op.attr:
        op.attr[name].s = found[0]
    for other in others:
        op.attr.pop(other, None)


def _is_text(attr: AttrDef) -> bool:
    kind = attr.WhichOneof("value")
    is_list = kind == "list" and attr.list.val_type == AttrDef.ListValue.VT_LIST_STRING
    return kind == "s" or is_list


def _mixed(holders: list[Attributes]) -> frozenset[str]:
    """The names that stand for texts and for something else."""
    texts: set[str] = set()
    others: set[str] = set()
    for holder in holders:
        for name in holder:
            (texts if _is_text(holder[name]) else others).add(name)
    return frozenset(texts & others)


@dataclass
class _Tables:
    """The dictionary as it grows; an index is a place in the order of first use."""

    plain: frozenset[str]
    names: dict[str, int] = field(default_factory=dict[str, int])
    values: dict[bytes, int] = field(default_factory=dict[bytes, int])
    uses_string: list[bool] = field(default_factory=list[bool])

    def code(self, holder: Attributes) -> None:
        """Replace the attributes of one operator or tensor."""
        for name in sorted(holder, key=str.encode):
            if name in SERIALIZER or name in self.plain or name.startswith("\0"):
                continue
            attr = AttrDef()
            attr.CopyFrom(holder[name])
            del holder[name]
            is_text = _is_text(attr)
            if is_text:
                self._code_value(attr)
            holder[self._coded_name(name, is_text)].CopyFrom(attr)

    def _coded_name(self, name: str, is_text: bool) -> str:
        if name not in self.names:
            self.names[name] = len(self.names)
            self.uses_string.append(is_text)
        return coded_index(self.names[name])

    def _code_value(self, attr: AttrDef) -> None:
        if attr.WhichOneof("value") == "s":
            attr.i = self._value(attr.s)
        else:
            items = tuple(self._value(text) for text in attr.list.s)
            set_attribute(attr, TypedList(ListKind.INT, items))

    def _value(self, text: bytes) -> int:
        return self.values.setdefault(text, len(self.values))

    def note(self, model: ModelDef) -> None:
        """Put the dictionary into the model's attributes."""
        set_attribute(model.attr[VERSION], 1)
        for key, table in ((NAMES, [n.encode() for n in self.names]), (VALUES, self.values)):
            texts = model.attr[key].list
            texts.s.extend(table)
            texts.val_type = AttrDef.ListValue.VT_LIST_STRING
        set_attribute(model.attr[USES_STRING], self.uses_string)


def coded_index(index: int) -> str:
    """The name that an index of the name table is written as."""
    digits = [index % BASE + 1]
    while index := index // BASE:
        digits.append(index % BASE + 1)
    return "\0" + "".join(map(chr, digits))
