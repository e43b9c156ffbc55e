"""A loaded offline model: what it checks before a run, and how a run gets its tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt

from compiler.om.dtypes import BY_NAME
from compiler.om.inout import InOutInfo
from runtime.device import Memory
from runtime.errors import AclError, Code, failure, invalid
from runtime.executor.session import Session, Table, Variables
from runtime.executor.variables import Refresh
from runtime.input_shapes import InputShapes
from runtime.operator_engine import TensorDesc
from runtime.operator_engine.dtypes import STRINGS, from_cpp, to_ge
from runtime.packing import load, packed_bytes, store

Array = npt.NDArray[Any]

T = TypeVar("T")
Take = Callable[[list[Array]], T]

HANDLES = frozenset(BY_NAME[f"DT_{name}"].cpp for name in ("RESOURCE", "VARIANT", "UNDEFINED"))
"""Data types of sequences and optional values."""
SLACK = 64
"""A buffer may be this much smaller than its tensor: allocations are padded by at least as much."""


@dataclass(slots=True)
class Buffer:
    """An input or output of a run: memory on the device, dims and C++ data type if described."""

    address: int
    size: int
    dims: tuple[int, ...] | None = None
    dtype: int | None = None


def lasting(results: list[Array]) -> list[Array]:
    """Copies that no later run and no update touches."""
    return [_lasting(result) for result in results]


def _lasting(value: Any) -> Any:
    """A result is a tensor, a sequence of tensors or of dictionaries, or nothing."""
    if isinstance(value, list):
        return [_lasting(item) for item in cast("list[Any]", value)]
    if value is None or isinstance(value, dict):
        return cast("Any", value)
    return value if _owns(value) else np.array(value)


def _owns(value: Array) -> bool:
    return value.base is None and value.flags.writeable


class Executor(Protocol):
    """What computes a model."""

    def run(self, inputs: Sequence[Array], variables: Variables, take: Take[T]) -> T:
        """Executes it once; what `take` makes of its outputs while they are in memory."""
        ...


@dataclass(eq=False)
class Model:
    """A loaded model. `is_dynamic`: shapes come with the inputs of each run, and not by gear.

    It runs in as many threads at a time as call it. `release` gives back the memory it holds.
    """

    source: str
    is_dynamic: bool
    description: InOutInfo
    memory: Memory
    session: Session
    executor: Executor
    shapes: InputShapes
    reads: dict[str, int]
    refreshes: dict[int, Refresh]
    release: Callable[[], None]

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Executes the model once on arrays; AclError where one is no input of the model's."""
        return self.taken(inputs, lasting)

    def taken(self, inputs: Sequence[Array], take: Take[T]) -> T:
        """The same; what `take` makes of the outputs, which the next run may overwrite."""
        return self.executor.run(self.arrays(inputs), Variables(self.session), take)

    def infer(self, inputs: Sequence[Array]) -> tuple[list[Array], Table]:
        """The outputs of a run, and the table of variables that it has read them from.

        AclError 500002 while a variable it reads was never written.
        """
        variables = Variables(self.session)
        self._check_variables(variables)
        return self.executor.run(self.arrays(inputs), variables, lasting), variables.table

    def arrays(self, inputs: Sequence[Array]) -> list[Array]:
        """The inputs of a run; AclError for an element type or a shape that is not the model's.

        A sequence is a list, an absent optional value None; an empty tensor leaves a weight alone.
        """
        wanted = self.description.inputs
        if len(inputs) != len(wanted):
            raise invalid(f"{self.source}: {len(inputs)} inputs given, the model has {len(wanted)}")
        for index, given in enumerate(inputs):
            self._check_array(index, given)
        if self.is_dynamic and not self.refreshes:
            self.shapes.check([_shape(given) for given in inputs])
        return list(inputs)

    def _check_array(self, index: int, given: Any) -> None:
        if given is None or isinstance(given, list):
            return
        info = self.description.inputs[index]
        if info.dtype in HANDLES:  # a value of any type and shape
            return
        left_alone = index in self.refreshes and 0 in given.shape
        fits = left_alone or info.dims == (-2,) or _fits(given.shape, info.dims)
        if not fits or not _holds(given.dtype, info.dtype):
            what = f"{self.source}: input {index} '{info.name}'"
            wanted = f"{_dtype(info.dtype, what)}{list(info.dims)}"
            raise invalid(f"{what} is {wanted}, {given.dtype}{list(given.shape)} was given")

    def execute(self, inputs: Sequence[Buffer], outputs: Sequence[Buffer]) -> None:
        """Runs the model once. Outputs of a dynamic model get their dims and data type filled in,
        and memory where they have none.

        AclError 500002 while a variable it reads was never written, or when an update does not
        fit its weight; nothing has been changed then.
        """
        self._check_counts(inputs, outputs)
        variables = Variables(self.session)
        self._check_variables(variables)
        if not self.session.faithful:
            self._check_updates(inputs)
        arguments = [
            self._argument(index, *pair)
            for index, pair in enumerate(zip(inputs, self._dims(inputs), strict=True))
        ]

        def give(results: Sequence[Array]) -> None:
            for index, (result, given) in enumerate(zip(results, outputs, strict=True)):
                self._give(index, result, given)

        self.executor.run(arguments, variables, give)

    def _check_counts(self, inputs: Sequence[Buffer], outputs: Sequence[Buffer]) -> None:
        for what, given, wanted in (
            ("inputs", inputs, self.description.inputs),
            ("outputs", outputs, self.description.outputs),
        ):
            if len(given) != len(wanted):
                code = Code.INVALID_PARAM if self.is_dynamic else Code.GE_FAILURE
                message = f"{self.source}: {len(given)} {what} given, the model has {len(wanted)}"
                raise AclError(code, message)

    def _check_variables(self, variables: Variables) -> None:
        if self.session.faithful:
            return
        written = variables.table.contents
        missing = [name for name, address in self.reads.items() if address not in written]
        if missing:
            raise failure(
                f"{self.source}: {', '.join(missing)} were never written; run the initialisation "
                "graph, or update every weight, before inference (ASCEND_OPT_FAITHFUL=1 computes "
                "with whatever is in memory)",
            )

    def _check_updates(self, inputs: Sequence[Buffer]) -> None:
        for index, refresh in self.refreshes.items():
            fault = _update_fault(refresh.desc, inputs[index])
            if fault:
                raise failure(
                    f"{self.source}: update of {refresh.variable} (input {index}): {fault}; no "
                    "weight has been changed",
                )

    def _dims(self, inputs: Sequence[Buffer]) -> Sequence[tuple[int, ...]]:
        """The shapes of a run's inputs: from the descriptions, or those of the gear."""
        if self.shapes.gears is not None:
            return self.shapes.in_gear(inputs[self.shapes.selector].address, self.memory)
        pairs = zip(inputs, self.description.inputs, strict=True)
        dims = [
            given.dims if self.is_dynamic and given.dims is not None else info.dims
            for given, info in pairs
        ]
        if self.is_dynamic:
            self.shapes.check(dims)
        return dims

    def _argument(self, index: int, given: Buffer, dims: tuple[int, ...]) -> Array:
        info = self.description.inputs[index]
        what = f"{self.source}: input {index} '{info.name}'"
        if given.address == 0:
            raise invalid(f"{what} is a null pointer")
        if any(dim < 0 for dim in dims):
            message = f"{what} has no tensor description, and the model leaves its shape open"
            raise failure(message)
        desc = TensorDesc(_dtype(info.dtype, what), dims)
        self._check_size(desc.size, given, what)
        return load(self.memory.view(given.address, desc.size, what), desc.dtype, desc.shape)

    def _check_size(self, needed: int, given: Buffer, what: str) -> None:
        if given.size + SLACK < needed:
            message = f"{what} needs {needed} bytes, its data buffer has {given.size}"
            raise AclError(Code.GE_PARAM_INVALID, message)

    def _give(self, index: int, result: Array, given: Buffer) -> None:
        what = f"{self.source}: output {index} '{self.description.outputs[index].name}'"
        size = packed_bytes(result.dtype, result.size)
        if given.address == 0 and self.is_dynamic:
            given.address = self.memory.allocate(max(size, 1), what).address
            given.size = size
        if given.address == 0:
            raise invalid(f"{what} is a null pointer")
        self._check_size(size, given, what)
        store(self.memory.view(given.address, size, what), result)
        if self.is_dynamic:
            given.dims, given.dtype = result.shape, to_ge(result.dtype).cpp


def _shape(given: Any) -> tuple[int, ...]:
    """The shape of a tensor; a sequence and an absent value have none."""
    return () if given is None or isinstance(given, list) else given.shape


def _fits(shape: tuple[int, ...], dims: tuple[int, ...]) -> bool:
    """Whether a tensor of the shape may stand where dims of -1 may be any size."""
    return len(shape) == len(dims) and all(
        dim in (-1, size) for size, dim in zip(shape, dims, strict=True)
    )


def _holds(dtype: np.dtype[Any], number: int) -> bool:
    """Whether an array's elements are those of GraphEngine's data type of that number."""
    if from_cpp(number) == STRINGS:
        return dtype.kind in "OUST"
    try:
        return to_ge(dtype).cpp == number
    except KeyError:
        return False


def _update_fault(desc: TensorDesc, given: Buffer) -> str | None:
    """Why a buffer cannot replace a variable; None when it can, or is empty and leaves it alone."""
    if given.dims is None:
        return "no tensor description is set, so it is unknown whether to skip it; use dims [0]"
    if 0 in given.dims:
        return None
    if given.dims != desc.shape:
        return f"shape {list(given.dims)} given, the weight has {list(desc.shape)}"
    expected = to_ge(desc.dtype)
    if given.dtype not in (None, expected.cpp):
        return f"data type {given.dtype} given, the weight has {expected.cpp} ({expected.name})"
    if not desc.size <= given.size <= desc.size + SLACK:
        return f"{given.size} bytes given, the weight has {desc.size}"
    return None


def _dtype(number: int, what: str) -> np.dtype[Any]:
    dtype = from_cpp(number)
    if dtype is None or dtype == STRINGS:
        raise failure(f"{what} has data type {number}, which has no elements")
    return dtype
