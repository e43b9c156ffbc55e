"""An OM file as read: partitions mapped from the file, parsed when they are first asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from compiler.om.attribute_dictionary import Dictionary, expand_attributes, take_dictionary
from compiler.om.errors import OMError, Status
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.header import ModelFileHeader
from compiler.om.inout import InOutInfo, decode_inout
from compiler.om.kernels import Kernel, decode_kernels
from compiler.om.partitions import PartitionType, TableEntry
from compiler.om.task_pb2 import ModelTaskDef

M = TypeVar("M", bound=Message)

NOTHING = memoryview(b"")
MAX_MESSAGE = 0x7FFFFFFF  # bytes protobuf parses


@dataclass(frozen=True, eq=False)
class SubModel:
    """One partition table with its bodies: the only one of a static model, or one of several.

    `starts` says where in the OM file each body begins.
    """

    source: str
    table: tuple[TableEntry, ...]
    bodies: tuple[memoryview, ...]
    starts: tuple[int, ...]
    root: "SubModel | None" = None

    def partition(self, type_: PartitionType) -> memoryview | None:
        """The first body of that type, as a view of the file; None when there is none."""
        for entry, body in zip(self.table, self.bodies, strict=True):
            if entry.type == type_:
                return body
        return None

    @cached_property
    def model_def(self) -> ModelDef:
        """MODEL_DEF with attribute names and values in full, even where the file codes them."""
        return self._model_and_dictionary[0]

    @cached_property
    def task_def(self) -> ModelTaskDef:
        """TASK_INFO; empty when the file has none."""
        data = self.partition(PartitionType.TASK_INFO) or NOTHING
        return self._parse(ModelTaskDef.FromString, data, "TASK_INFO")

    @property
    def weights(self) -> memoryview:
        """WEIGHTS_DATA as it lies in the file; empty when there is none."""
        return self.partition(PartitionType.WEIGHTS_DATA) or NOTHING

    @cached_property
    def tbe_kernels(self) -> tuple[Kernel, ...]:
        """AI-Core kernels; a broken store ends with its last whole item."""
        return decode_kernels(self.partition(PartitionType.TBE_KERNELS) or NOTHING)[0]

    @cached_property
    def cust_aicpu_kernels(self) -> tuple[Kernel, ...]:
        """Custom AI CPU kernels, likewise."""
        return decode_kernels(self.partition(PartitionType.CUST_AICPU_KERNELS) or NOTHING)[0]

    @cached_property
    def inout(self) -> InOutInfo:
        """MODEL_INOUT_INFO; empty when the file has none."""
        data = self.partition(PartitionType.MODEL_INOUT_INFO) or NOTHING
        return decode_inout(data, self.source)

    @cached_property
    def _model_and_dictionary(self) -> tuple[ModelDef, Dictionary | None]:
        data = self.partition(PartitionType.MODEL_DEF)
        if data is None:
            raise OMError(Status.PARAM_INVALID, f"{self.source}: there is no MODEL_DEF partition")
        model = self._parse(ModelDef.FromString, data, "MODEL_DEF")
        own = take_dictionary(model, self.source)
        # A root's operators are shared with its submodels: there the keys are coded by the
        # root's dictionary first, and then perhaps by the submodel's own.
        shared = self.root._model_and_dictionary[1] if self.root is not None else None
        for dictionary in (own, shared):
            if dictionary is not None:
                expand_attributes(model, dictionary)
        return model, own

    def _parse(self, parse: Callable[[bytes], M], data: memoryview, what: str) -> M:
        try:
            if len(data) <= MAX_MESSAGE:
                return parse(bytes(data))
            reason = f"is {len(data)} bytes, more than the {MAX_MESSAGE} protobuf takes"
        except DecodeError:
            reason = f"({len(data)} bytes) is not the protobuf message it should be"
        raise OMError(Status.PARAM_INVALID, f"{self.source}: {what} {reason}")


@dataclass(frozen=True, eq=False)
class OfflineModel:
    """An `.om` file, or the part of a bundle that is one.

    `trailing` is what lies behind the last partition: loading a static model overlooks it,
    asking for its size does not.
    """

    source: str
    header: ModelFileHeader
    submodels: tuple[SubModel, ...]
    trailing: memoryview

    @property
    def root(self) -> SubModel:
        """The model itself; the others are pieces of its dynamic-shape graph."""
        return self.submodels[0]
