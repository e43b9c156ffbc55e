"""Reads one OM model with GraphEngine's checks, in its order and with its status numbers."""

from compiler.om.checks import graph_fault
from compiler.om.errors import OMError, Status
from compiler.om.header import HEADER_SIZE, MAGIC, ModelFileHeader, ModelType, unpack_header
from compiler.om.offline_model import OfflineModel, SubModel
from compiler.om.partition_checks import partition_fault
from compiler.om.partitions import NORMAL, TINY, TableLayout, unpack_count, unpack_entries
from compiler.om.source import Source, map_source

MAX_PARTITIONS = 8
MAX_FLOW_PARTITIONS = 4096


def read_model(source: Source, *, name: str | None = None, check: bool = True) -> OfflineModel:
    """Reads an ordinary OM file, as `aclmdlLoadFromFile` does: a bundle is refused.

    `name` stands for the file in messages. Without `check` only the container is looked at, and
    MODEL_DEF and TASK_INFO fail, if at all, when they are asked for. OMError otherwise.
    """
    data, name = map_source(source, name)
    header = read_header(data, name)
    submodels, end = _read_tables(header, data[HEADER_SIZE:], name)
    model = OfflineModel(name, header, submodels, data[HEADER_SIZE + end :])
    if check:
        check_content(model)
    return model


def read_header(data: memoryview, name: str) -> ModelFileHeader:
    """The header of an ordinary OM file; OMError when it does not fit the file."""
    if len(data) < HEADER_SIZE:
        short = f"{len(data)} bytes, shorter than an OM file's header of {HEADER_SIZE}"
        raise OMError(Status.MODEL_DATA_SIZE_INVALID, f"{name}: {short}")
    header = unpack_header(data)
    if header.modeltype == ModelType.BUNDLE:
        use = "a bundle of models, which only the bundle calls load (`ascend-opt om` looks into it)"
        raise OMError(Status.PARAM_INVALID, f"{name}: {use}")
    if header.magic != MAGIC:
        found = f"magic {header.magic:#010x}, an OM file has {MAGIC:#010x}"
        raise OMError(Status.GE_PARAM_INVALID, f"{name}: {found}")
    if header.payload_length != len(data) - HEADER_SIZE:
        has = f"{len(data) - HEADER_SIZE} follow it"
        what = f"the header announces {header.payload_length} bytes, {has}"
        raise OMError(Status.GE_PARAM_INVALID, f"{name}: {what}")
    return header


def check_content(model: OfflineModel) -> None:
    """Parses what loading parses; OMError for the first thing that does not load."""
    for submodel in model.submodels:
        fault = graph_fault(submodel.model_def)
        if fault is not None:
            raise OMError(Status.PARAM_INVALID, f"{submodel.source}: {fault}")
        _ = submodel.task_def
        for entry, body in zip(submodel.table, submodel.bodies, strict=True):
            fault = partition_fault(entry.type, body)
            if fault is not None:
                raise OMError(Status.PARAM_INVALID, f"{submodel.source}: {fault}")


def _read_tables(
    header: ModelFileHeader, payload: memoryview, name: str
) -> tuple[tuple[SubModel, ...], int]:
    """The models of a file and where the last one ends in `payload`."""
    submodels: list[SubModel] = []
    end = 0
    for index in range(header.model_num if header.is_dynamic else 1):
        source = f"{name}: model {index}" if header.is_dynamic else name
        root = submodels[0] if submodels else None
        submodel, end = _read_table(header, payload, end, source, root)
        submodels.append(submodel)
    if not submodels or (header.is_dynamic and end != len(payload)):
        what = f"its {header.model_num} models end at byte {end} of {len(payload)}"
        raise OMError(Status.FAILED, f"{name}: {what}")
    return tuple(submodels), end


def _read_table(
    header: ModelFileHeader, payload: memoryview, start: int, source: str, root: SubModel | None
) -> tuple[SubModel, int]:
    layout = TINY if header.has_tiny_tables else NORMAL
    count = _read_count(header, payload, start, layout, source)
    end = start + layout.size(count)
    if end >= len(payload):
        what = f"a table of {count} partitions ends at byte {end} of {len(payload)}"
        raise OMError(Status.MODEL_DATA_SIZE_INVALID, f"{source}: {what}")
    table = unpack_entries(payload, start, count, layout)
    bodies: list[memoryview] = []
    starts: list[int] = []
    for entry in table:
        if entry.size > len(payload) - end:
            what = f"partition {entry.type} of {entry.size} bytes at {end} of {len(payload)}"
            raise OMError(Status.MODEL_DATA_SIZE_INVALID, f"{source}: {what}")
        bodies.append(payload[end : end + entry.size])
        starts.append(HEADER_SIZE + end)
        end += entry.size
    return SubModel(source, table, tuple(bodies), tuple(starts), root), end


def _read_count(
    header: ModelFileHeader, payload: memoryview, start: int, layout: TableLayout, source: str
) -> int:
    # GraphEngine compares with the size of the normal table's head in either layout.
    if len(payload) - start <= NORMAL.head.size:
        what = f"no room for a partition table at byte {start} of {len(payload)}"
        raise OMError(Status.MODEL_DATA_SIZE_INVALID, f"{source}: {what}")
    count = unpack_count(payload, start, layout)
    is_flow = header.modeltype == ModelType.FLOW
    low, high = (0, MAX_FLOW_PARTITIONS) if is_flow else (1, MAX_PARTITIONS)
    if not low <= count <= high:
        what = f"a table of {count} partitions, expected {low} to {high}"
        raise OMError(Status.GE_PARAM_INVALID, f"{source}: {what}")
    return count
