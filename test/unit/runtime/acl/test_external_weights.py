"""External weights through pyACL: folders and device memory that a program names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

Array = npt.NDArray[Any]
Builder = Callable[..., Any]

LOAD_TYPE, PATH, MEM_ADDR, MEM_SIZE = 1, 2, 3, 4
WEIGHT_ADDR, WORKSPACE_ADDR, WEIGHT_PATH = 5, 7, 14
FILE, FILE_WITH_MEM, MEM, MEM_WITH_MEM = 1, 2, 3, 4

W = np.arange(8, dtype=np.float32)


@pytest.fixture
def om(static_builder: Builder) -> bytes:
    """y = x + w, with the eight elements of w in weight_w."""
    builder = static_builder()
    builder.variable_size = 1536
    builder.data("x", np.float32, [8])
    builder.variable("w", np.float32, [8], 0, location="weight_w", offset=0, length=32)
    builder.kernel("y", "Add", ["x", "w"], (np.float32, [8]))
    builder.output("y")
    return builder.pack()


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current directory with no weights in it."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


class Config:
    """A configuration to load from memory."""

    def __init__(self, program: Any, om: bytes, **options: int) -> None:
        self.acl, self.om, self.kept = program.acl, om, list[bytes]()
        self.handle = self.acl.mdl.create_config_handle()
        self.set(LOAD_TYPE, MEM)
        self.set(MEM_ADDR, self.acl.util.bytes_to_ptr(om))
        self.set(MEM_SIZE, len(om))

    def set(self, option: int, value: Any) -> None:
        """Sets an option, a path as the address of its text."""
        if isinstance(value, Path):
            self.kept.append(bytes(value) + b"\0")
            value = self.acl.util.bytes_to_ptr(self.kept[-1])
        assert self.acl.mdl.set_config_opt(self.handle, option, value) == 0

    def load(self) -> tuple[int, int]:
        """The id and the return code."""
        return self.acl.mdl.load_with_config(self.handle)

    def give(self, address: int, size: int, name: str = "weight_w") -> int:
        """Gives device memory for a weight file."""
        return self.acl.mdl.set_external_weight_address(self.handle, name, address, size)


def result(program: Any, model: int) -> list[float]:
    """What the model gives for zeros."""
    inputs = program.arrays(np.zeros(8, np.float32))
    address = program.ok(*program.acl.rt.malloc(32, 2))
    assert program.acl.mdl.execute(model, inputs, program.dataset((address, 32))) == 0
    return program.from_device(address, 32).tolist()


def test_a_folder_for_a_model_from_memory(program: Any, om: bytes, empty: Path) -> None:
    config = Config(program, om)
    assert config.load() == (0, 500002)
    assert "weight file weight_w, needed by node 'w'" in program.acl.get_recent_err_msg()
    config.set(WEIGHT_PATH, empty / "weights")
    assert config.load() == (0, 100000)
    (empty / "weights").mkdir()
    (empty / "weights" / "weight_w").write_bytes(W.tobytes())
    assert result(program, program.ok(*config.load())) == W.tolist()


def test_without_one_it_is_the_current_directory(program: Any, om: bytes, empty: Path) -> None:
    (empty / "here" / "weight_w").write_bytes(W.tobytes())
    assert result(program, program.ok(*Config(program, om).load())) == W.tolist()
    data = program.acl.util.bytes_to_ptr(om)
    assert program.acl.mdl.load_from_mem(data, len(om)) == (2, 0)


def test_a_folder_for_a_model_without_weights(program: Any, add_om: bytes, empty: Path) -> None:
    config = Config(program, add_om)
    config.set(WEIGHT_PATH, empty)
    assert config.load() == (0, 500002)
    assert "has no external weight" in program.acl.get_recent_err_msg()


@pytest.mark.parametrize(("load_type", "code"), [(MEM, 500002), (MEM_WITH_MEM, 0)])
def test_beside_the_path_a_model_in_memory_is_said_to_have(
    load_type: int, code: int, program: Any, om: bytes, empty: Path
) -> None:
    """GraphEngine forgets it where a static model lies in memory as a whole."""
    (empty / "weight").mkdir()
    (empty / "weight" / "weight_w").write_bytes(W.tobytes())
    config = Config(program, om)
    config.set(LOAD_TYPE, load_type)
    config.set(PATH, str(empty / "never written.om"))
    assert config.load()[1] == code


def test_and_a_dynamic_one_of_any_kind(program: Any, dynamic_builder: Builder, empty: Path) -> None:
    builder = dynamic_builder()
    graph = builder.graph("main")
    builder.op(graph, "w", "FileConstant", [], (np.float32, [8]), {"location": "weight_w"})
    builder.op(graph, "out", "NetOutput", ["w:0"])
    builder.model.attr["variable_size"].i = 1536
    builder.model.graph[0].op[0].output_i.append(1 << 37)
    (empty / "weight").mkdir()
    (empty / "weight" / "weight_w").write_bytes(W.tobytes())
    config = Config(program, builder.pack())
    assert config.load()[1] == 500002
    config.set(PATH, str(empty / "m.om"))
    assert config.load()[1] == 0


@pytest.mark.parametrize("load_type", [FILE, FILE_WITH_MEM])
def test_no_folder_can_be_named_for_a_file(
    load_type: int, program: Any, om: bytes, empty: Path
) -> None:
    config = Config(program, om)
    config.set(LOAD_TYPE, load_type)
    config.set(PATH, str(empty / "m.om"))
    config.set(WEIGHT_PATH, empty)
    assert config.load() == (0, 100000)
    assert "WEIGHT_PATH" in program.acl.get_recent_err_msg()


@pytest.mark.parametrize("option", [MEM_ADDR, WEIGHT_ADDR, WORKSPACE_ADDR, WEIGHT_PATH])
def test_null_pointers(option: int, program: Any) -> None:
    handle = program.acl.mdl.create_config_handle()
    assert program.acl.mdl.set_config_opt(handle, option, 0) == 100000


def test_device_memory_instead_of_a_file(program: Any, om: bytes, empty: Path) -> None:
    config = Config(program, om)
    address = program.to_device(W)
    assert config.give(address, 32) == 0
    model = program.ok(*config.load())
    assert result(program, model) == W.tolist()
    # It wins over a file, and is the memory itself.
    (empty / "weight_w").write_bytes((W + 1).tobytes())
    config.set(WEIGHT_PATH, empty)
    model = program.ok(*config.load())
    other = program.acl.util.bytes_to_ptr(data := (W + 2).tobytes())
    assert program.acl.rt.memcpy(address, len(data), other, len(data), 1) == 0
    assert result(program, model) == (W + 2).tolist()
    assert program.acl.mdl.unload(model) == 0
    assert program.acl.rt.free(address) == 0


def test_device_memory_for_a_model_from_a_file(program: Any, om: bytes, empty: Path) -> None:
    (empty / "m.om").write_bytes(om)
    config = Config(program, om)
    config.set(LOAD_TYPE, FILE)
    config.set(PATH, str(empty / "m.om"))
    assert config.load() == (0, 500002)
    assert config.give(program.to_device(W), 32, "weight_other") == 0
    assert config.load() == (0, 500002)
    assert config.give(program.to_device(W), 32) == 0
    assert result(program, program.ok(*config.load())) == W.tolist()


@pytest.mark.parametrize("size", [0, 16, 33, -32])
def test_device_memory_of_an_odd_size(size: int, program: Any, om: bytes) -> None:
    config = Config(program, om)
    assert config.give(program.to_device(W), size) == 100000
    assert "multiple of 32" in program.acl.get_recent_err_msg()


def test_device_memory_that_is_none(program: Any, om: bytes, empty: Path) -> None:
    config = Config(program, om)
    assert config.give(0, 32) == 100000
    assert config.give(program.to_device(W), 32, "") == 100000
    assert program.acl.mdl.set_external_weight_address(1, "weight_w", 2, 32) == 100000
    assert config.give(program.to_device(W), 4096) == 0
    assert config.load() == (0, 107000)
    assert "weight file weight_w: 4096 bytes wanted" in program.acl.get_recent_err_msg()


def test_device_memory_for_several_weights_of_a_file(
    program: Any, static_builder: Builder, empty: Path
) -> None:
    builder = static_builder()
    builder.variable_size = 4096
    builder.data("x", np.float32, [8])
    for number, name in enumerate("vw"):
        place = {"location": "all", "offset": 512 * number, "length": 32}
        builder.variable(name, np.float32, [8], 1536 * number, **place)
    builder.kernel("xv", "Add", ["x", "v"], (np.float32, [8]))
    builder.kernel("y", "Mul", ["xv", "w"], (np.float32, [8]))
    builder.output("y")
    config = Config(program, builder.pack())
    both = np.zeros(256, np.float32)
    both[:8], both[128:136] = 2, W
    address = program.to_device(both)
    assert config.give(address, 512, "all") == 0
    assert config.load() == (0, 500002)
    message = program.acl.get_recent_err_msg()
    assert "weight file all are too few: node 'w' needs 32 bytes at 512" in message
    assert config.give(address, 1024, "all") == 0
    assert result(program, program.ok(*config.load())) == (2 * W).tolist()


def test_damage_is_told(program: Any, static_builder: Builder, empty: Path) -> None:
    builder = static_builder()
    builder.variable_size = 1536
    builder.data("x", np.float32, [8])
    place = {"location": "weight_w", "length": 32, "_value_sha256": "abc"}
    builder.variable("w", np.float32, [8], 0, **place)
    builder.kernel("y", "Add", ["x", "w"], (np.float32, [8]))
    builder.output("y")
    (empty / "weight").mkdir()
    (empty / "weight" / "weight_w").write_bytes(W.tobytes())
    (empty / "m.om").write_bytes(builder.pack())
    assert program.acl.mdl.load_from_file(str(empty / "m.om")) == (0, 500002)
    message = program.acl.get_recent_err_msg()
    assert "weight/weight_w is damaged: the 32 bytes at 0, needed by node 'w'" in message
    assert message.endswith("not abc) (error 500002)")
