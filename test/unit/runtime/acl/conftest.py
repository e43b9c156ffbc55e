"""A fresh `acl` module for each test, and the device steps every program begins with."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from compiler.soc import DEFAULT_SOC
from runtime.acl.binding import build
from runtime.acl.state import State

Array = npt.NDArray[Any]

H2D, D2H = 1, 2


class Program:
    """What a pyACL program does around the calls a test is about; every step must return 0."""

    def __init__(self, acl: Any) -> None:
        self.acl = acl
        assert acl.init() == 0
        assert acl.rt.set_device(0) == 0

    def ok(self, *values: Any) -> Any:
        """The value of a call, whose code must be 0."""
        assert values[-1] == 0, self.acl.get_recent_err_msg()
        return values[0] if len(values) == 2 else values[:-1]

    def to_device(self, value: Array) -> int:
        """A copy of an array in device memory."""
        data = value.tobytes()
        address = self.ok(*self.acl.rt.malloc(max(len(data), 1), 2))
        pointer = self.acl.util.bytes_to_ptr(data)
        assert self.acl.rt.memcpy(address, len(data), pointer, len(data), H2D) == 0
        return address

    def from_device(self, address: int, size: int) -> Array:
        """Device memory as float32 elements."""
        data = bytes(size)
        pointer = self.acl.util.bytes_to_ptr(data)
        assert self.acl.rt.memcpy(pointer, size, address, size, D2H) == 0
        return np.frombuffer(data, np.float32)

    def dataset(self, *buffers: tuple[int, int]) -> int:
        """A dataset of (address, size) buffers."""
        dataset = self.acl.mdl.create_dataset()
        for address, size in buffers:
            buffer = self.acl.create_data_buffer(address, size)
            _, ret = self.acl.mdl.add_dataset_buffer(dataset, buffer)
            assert ret == 0
        return dataset

    def arrays(self, *values: Array) -> int:
        """A dataset of arrays copied to the device."""
        return self.dataset(*((self.to_device(value), value.nbytes) for value in values))

    def describe(self, dataset: int, index: int, dims: list[int], dtype: int = 0) -> None:
        """Sets a tensor description."""
        desc = self.acl.create_tensor_desc(dtype, dims, 2)
        assert self.acl.mdl.set_dataset_tensor_desc(dataset, desc, index) == (dataset, 0)
        self.acl.destroy_tensor_desc(desc)


@pytest.fixture
def modules() -> dict[str, ModuleType]:
    """The simulated modules by their full names; nobody has used them yet."""
    return build(State(DEFAULT_SOC))


@pytest.fixture
def acl(modules: dict[str, ModuleType]) -> Any:
    """The `acl` among them."""
    return modules["acl"]


@pytest.fixture
def program(acl: Any) -> Program:
    """A program that has set its device."""
    return Program(acl)
