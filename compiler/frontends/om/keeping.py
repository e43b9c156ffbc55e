"""What of a file the IR must keep: all that the writer would make otherwise."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace

from xdsl.dialects.builtin import DictionaryAttr, IntegerAttr, StringAttr, UnitAttr, i64
from xdsl.ir import Attribute

from compiler.constants import weight_of
from compiler.frontends.om.fields import keep_model_fields, keep_task_fields
from compiler.frontends.om.source import Source
from compiler.om.buffers import Blob, joined_bytes
from compiler.om.bundle import Bundle
from compiler.om.errors import OMError
from compiler.om.header import HEADER_SIZE, ModelFileHeader, bundle_header
from compiler.om.offline_model import OfflineModel, SubModel
from compiler.om.partitions import (
    ORDER,
    PartitionType,
    partition_name,
    unpack_count,
    unpack_entries,
)
from compiler.targets.om.kept import HEX, TEXTS, TRAILING, constants_inside
from compiler.targets.om.model import Partitions, usual_header
from compiler.targets.om.operators import weight_offset
from dialects.om import BundleOp, ModelOp, PartitionOp
from dialects.op import names_attr

MADE = frozenset({PartitionType.MODEL_DEF, PartitionType.TASK_INFO})
"""Partitions that are always made anew, from the IR and the fields it keeps."""
LONGEST_GAP = 1 << 20
"""Bytes between two constants that are looked at; where there are more the partition is kept."""


def keep_file(model: ModelOp, file: OfflineModel, source: Source) -> None:
    """Note what the header says that the writer would not, and bytes behind the partitions."""
    if file.trailing:
        model.body.block.add_op(PartitionOp(TRAILING, source.reference(file.trailing)))
    platform = model.platform.data.encode()  # of any length: a header has room for some
    usual = replace(usual_header(model, ""), platform_version=platform)
    if told := header_differences(file.header, usual):
        model.properties["header"] = told


def keep_bundle(bundle: BundleOp, file: Bundle, whole: memoryview) -> None:
    """Note what the bundle's header and table say that the writer would not."""
    count = unpack_count(whole, HEADER_SIZE)
    types = [entry.type for entry in unpack_entries(whole, HEADER_SIZE, count)]
    models = [int(PartitionType.BUNDLE_MODEL_INFO)] * len(file.slices)
    if types == models:
        bundle.properties["no_var_entry"] = UnitAttr()
    elif types != [PartitionType.BUNDLE_MODEL_VAR_INFO, *models]:
        bundle.properties["omits"] = names_attr(("entries of its table",))
    end = file.starts[-1] + len(file.slices[-1]) if file.slices else len(whole)
    if end != len(whole):
        bundle.properties["omits"] = names_attr((f"{len(whole) - end} bytes behind its models",))
    derived = bundle_header(len(file.slices), len(whole))
    if told := header_differences(file.header, derived):
        bundle.properties["header"] = told


def header_differences(written: ModelFileHeader, derived: ModelFileHeader) -> DictionaryAttr | None:
    """The fields of a header that are not what the writer puts there, its length aside."""
    told: dict[str, Attribute] = {}
    for field in fields(ModelFileHeader):
        new, old = getattr(written, field.name), getattr(derived, field.name)
        is_length = field.name == "model_length" and derived.model_length == 0
        if new != old and not is_length:
            told[field.name] = _text(new) if field.name in TEXTS else IntegerAttr(int(new), i64)
    return DictionaryAttr(told) if told else None


def _text(data: bytes) -> StringAttr:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    readable = text.isprintable() and not text.startswith(HEX) and text.encode() == data
    return StringAttr(text if readable else f"{HEX}{data.hex()}")


def keep_table(model: ModelOp, table: SubModel, source: Source) -> None:
    """Note what the partitions of a model say that the writer would not make of its IR."""
    if table.partition(PartitionType.TASK_INFO) is not None:
        keep_task_fields(model, table.task_def)
    made = Partitions(model, {})
    kept = [place for place in range(len(table.table)) if not _is_made(table, place, made)]
    model.body.block.add_ops(
        PartitionOp(_kind(table, place), source.reference(table.bodies[place])) for place in kept
    )
    if order := _order(table, made):
        model.properties["partitions"] = names_attr(order)
    if twice := _twice(table):
        model.properties["omits"] = names_attr(twice)
    keep_model_fields(model, table.model_def)


def _kind(table: SubModel, place: int) -> str:
    return partition_name(table.table[place].type)


def _twice(table: SubModel) -> tuple[str, ...]:
    """What a file has twice and a reader takes once."""
    types = Counter(entry.type for entry in table.table)
    graphs = Counter(graph.name for graph in table.model_def.graph)
    ops = Counter((graph.name, op.name) for graph in table.model_def.graph for op in graph.op)
    partitions = (f"a second {kind.name}" for kind in sorted(MADE) if types[kind] > 1)
    return (
        *partitions,
        *(f"a second graph '{name}'" for name, count in graphs.items() if count > 1),
        *(f"a second operator '{name}'" for (_, name), count in ops.items() if count > 1),
    )


def _is_summary(body: memoryview, made: Partitions) -> bool:
    """Whether the summary is that of the graph, if one can be made of it."""
    try:
        return _has(body, made.summary())
    except OMError:
        return False


def _is_made(table: SubModel, place: int, made: Partitions) -> bool:
    """Whether the writer makes a partition as it stands in the file."""
    type_, body = table.table[place].type, table.bodies[place]
    if type_ in MADE:
        return True
    if sum(entry.type == type_ for entry in table.table) > 1:
        return False
    match type_:
        case PartitionType.MODEL_INOUT_INFO:
            return _is_summary(body, made)
        case PartitionType.TBE_KERNELS:
            return _has(body, made.tbe_kernels())
        case PartitionType.WEIGHTS_DATA:
            return _is_plain(body, made.model)
        case _:
            return False


def _has(body: memoryview, blob: Blob) -> bool:
    return blob.length == len(body) and joined_bytes(blob.chunks()) == bytes(body)


def _is_plain(weights: memoryview, model: ModelOp) -> bool:
    """Whether there is nothing but the constants, and zeros between them.

    The constants are references to this very partition: of them nothing is read.
    """
    nodes = constants_inside(model)
    spans = {(weight_offset(node), weight_of(node.value).length) for node in nodes}
    end = 0
    for start, length in sorted(span for span in spans if span[1]):
        if start < end or not _is_zero(weights[end:start]):
            return False
        end = start + length
    return model.integer("weight_size") == len(weights) >= end and _is_zero(weights[end:])


def _is_zero(view: memoryview) -> bool:
    return len(view) <= LONGEST_GAP and bytes(view).count(0) == len(view)


def _order(table: SubModel, made: Partitions) -> tuple[str, ...]:
    """The partitions as they stand; none where the writer puts the same in the same order."""
    present = [_kind(table, place) for place in range(len(table.table))]
    ranks = {kind.name: rank for rank, kind in enumerate(ORDER)}
    usual = sorted(present, key=lambda kind: ranks.get(kind, len(ORDER)))
    makers = {
        PartitionType.MODEL_INOUT_INFO: made.summary,
        PartitionType.WEIGHTS_DATA: made.weights,
        PartitionType.TBE_KERNELS: made.tbe_kernels,
    }
    more = any(make().length for kind, make in makers.items() if kind.name not in present)
    has_tasks = PartitionType.TASK_INFO.name in present
    are_filled = all(entry.size for entry in table.table)
    return () if usual == present and has_tasks and are_filled and not more else tuple(present)
