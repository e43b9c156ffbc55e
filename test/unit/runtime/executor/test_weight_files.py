"""External weights on the device: where they are found, that they are mapped, what is refused."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from compiler.om.buffers import Held
from compiler.om.writer import pack_bundle
from compiler.weights.digests import ge_text
from runtime.device import Memory
from runtime.errors import AclError
from runtime.executor import weight_check, weight_files
from runtime.executor.session import Session
from runtime.loaded_model import Buffer
from runtime.model_registry import Models
from runtime.settings import Verify

Array = npt.NDArray[Any]
Builder = Callable[..., Any]

W = np.array([10, 20, 30, 40], np.float32)
V = np.array([1, 2, 3, 4], np.float32)


def digest(value: Array) -> str:
    """GraphEngine's text of a tensor's hash."""
    return ge_text(sha256(value.tobytes()).digest())


def model(builder: Any, weights: Mapping[str, Mapping[str, Any]]) -> bytes:
    """y = x + each weight of four floats; a weight is told by the attributes of its node."""
    builder.data("x", np.float32, [4])
    last = "x"
    for number, (name, attributes) in enumerate(weights.items()):
        builder.variable(name, np.float32, [4], 1536 * number, **attributes)
        builder.kernel(f"plus {name}", "Add", [last, name], (np.float32, [4]))
        last = f"plus {name}"
    builder.variable_size = 1536 * len(weights)
    builder.output(last)
    return builder.pack()


def at(location: str, offset: int = 0, **more: Any) -> dict[str, Any]:
    """The attributes of a weight of four floats in a file."""
    return {"location": location, "offset": offset, "length": 16, **more}


def hashed(value: Array, location: str = "weight_w") -> dict[str, Any]:
    """Likewise, with the hash that the bytes must have."""
    return at(location, _value_sha256=digest(value))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "weight").mkdir()
    return tmp_path


@pytest.fixture
def models() -> Models:
    return Models(Memory())


def load(models: Models, folder: Path, om: bytes, **files: bytes | Array) -> int:
    """Loads a model from a file beside its weight files."""
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.tobytes()
        (folder / "weight" / name).write_bytes(data)
    (folder / "model.om").write_bytes(om)
    return models.load(str(folder / "model.om"))


def files_of(models: Models, number: int) -> weight_files.WeightFiles:
    """The weight files of a model."""
    (found,) = _external(models[number].session)
    return found


def run(models: Models, number: int) -> list[float]:
    """What the model gives for zeros."""
    x, y = (models.memory.allocate(16, capacity=80) for _ in "xy")
    x.memory[:] = 0
    models[number].execute([Buffer(x.address, 16)], [Buffer(y.address, 16)])
    return y.memory[:16].view(np.float32).tolist()


@pytest.mark.parametrize("location", ["weight_w", "../elsewhere/weight_w", "/etc/weight_w"])
def test_they_lie_beside_the_model(
    location: str, models: Models, static_builder: Builder, folder: Path
) -> None:
    om = model(static_builder(), {"w": at(location)})
    assert run(models, load(models, folder, om, weight_w=W)) == W.tolist()


def test_combined_files_are_padded(models: Models, static_builder: Builder, folder: Path) -> None:
    om = model(static_builder(), {"w": at("all", 512), "v": at("all")})
    padded = (V.tobytes().ljust(512, b"\0") + W.tobytes()).ljust(1024, b"\0")
    assert run(models, load(models, folder, om, all=padded)) == (V + W).tolist()


def test_a_link_to_a_model_uses_the_weights_of_its_target(
    models: Models, static_builder: Builder, folder: Path
) -> None:
    load(models, folder, model(static_builder(), {"w": at("weight_w")}), weight_w=W)
    (folder / "links").mkdir()
    link = folder / "links" / "other name.om"
    link.symlink_to(folder / "model.om")
    assert run(models, models.load(str(link))) == W.tolist()
    (folder / "model.om").rename(folder / "links" / "moved.om")
    with pytest.raises(AclError, match=r"links/weight/weight_w, needed by node 'w': No such file"):
        models.load(str(folder / "links" / "moved.om"))


@pytest.mark.parametrize(
    ("offset", "content", "fault"),
    [
        (0, None, "needed by node 'w': No such file"),
        (0, W.tobytes()[:15], "too short: node 'w' needs 16 bytes at 0, 15 are there"),
        (0, b"", "too short: node 'w' needs 16 bytes at 0, 0 are there"),
        (600, W.tobytes(), "too short: node 'w' needs 16 bytes at 600, 0 are there"),
        (-1, W.tobytes(), "offset -1 is negative"),
        (0, W.tobytes() + b"x", "node 'w', must end with its last weight, at byte 16"),
        (0, W.tobytes() + b"x" * 496, "must end"),
        (496, bytes(496) + W.tobytes() + bytes(512), "must end"),
        (512, bytes(512) + W.tobytes() + bytes(432), "or be padded with zeros to a multiple"),
    ],
)
def test_files_that_do_not_fit(
    offset: int, content: bytes | None, fault: str,
    models: Models, static_builder: Builder, folder: Path,
) -> None:  # fmt: skip
    om = model(static_builder(), {"w": at("weight_w", offset)})
    files = {} if content is None else {"weight_w": content}
    with pytest.raises(AclError, match=fault) as caught:
        load(models, folder, om, **files)
    assert caught.value.code == 500002
    assert ("weight_w" in caught.value.message) == (offset >= 0)  # a place names the node only
    assert models.memory.live == []


def link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, link_to_a_device])
def test_what_is_no_file(
    make: Callable[[Path], None], models: Models, static_builder: Builder, folder: Path
) -> None:
    make(folder / "weight" / "weight_w")
    om = model(static_builder(), {"w": at("weight_w")})
    with pytest.raises(AclError, match="weight_w, needed by node 'w': not a regular file"):
        load(models, folder, om)


def test_a_reference_to_just_any_file(
    models: Models, static_builder: Builder, folder: Path
) -> None:
    (folder / "secret").write_bytes(W.tobytes())
    om = model(static_builder(), {"w": at("w", _ascend_opt_reference=str(folder / "secret"))})
    with pytest.raises(AclError, match=r"node 'w' does not say what is in .*secret"):
        load(models, folder, om)


def test_a_length_that_is_not_the_tensors(
    models: Models, static_builder: Builder, folder: Path
) -> None:
    om = model(static_builder(), {"w": {**at("weight_w"), "length": 12}})
    with pytest.raises(AclError, match=r"'w' .*: length 12 does not fit a tensor of 16 bytes"):
        load(models, folder, om, weight_w=W)


def test_faithful_mode_notices_missing_files_only(
    models: Models, static_builder: Builder, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASCEND_OPT_FAITHFUL", "1")
    om = model(static_builder(), {"w": {**hashed(V), "length": 12}})
    assert run(models, load(models, folder, om, weight_w=W.tobytes() + b"more")) == W.tolist()
    assert run(models, load(models, folder, om, weight_w=W.tobytes()[:8]))[:2] == [10, 20]
    (folder / "weight" / "weight_w").unlink()
    with pytest.raises(AclError, match="No such file"):
        load(models, folder, om)


def test_a_file_path_is_taken_as_it_is(
    models: Models, static_builder: Builder, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "w.bin").write_bytes(W.tobytes())
    absolute = {"file_path": str(folder / "sub" / "w.bin"), "offset": 4, "file_id": "none"}
    assert run(models, load(models, folder, model(static_builder(), {"w": absolute}))) == W.tolist()
    monkeypatch.chdir(folder / "sub")
    relative = model(static_builder(), {"w": {"file_path": "w.bin"}})
    assert run(models, load(models, folder, relative)) == W.tolist()
    # The location comes first.
    both = model(static_builder(), {"w": {**at("weight_v"), **absolute, "offset": 0}})
    assert run(models, load(models, folder, both, weight_v=V)) == V.tolist()


BINS = """{"value_bins": [
  {"value_bin_id": "one", "value_bin_file": "w.bin"},
  {"value_bin_id": "one", "value_bin_file": "other.bin"},
  {"value_bin_id": "nowhere", "value_bin_file": ""}
]}"""


@pytest.mark.parametrize(
    ("id", "bins", "fault"),
    [
        ("one", BINS, None),
        ("two", BINS, "ge.exec.value_bins has no file for id 'two'"),
        ("nowhere", BINS, "has no file for id 'nowhere'"),
        ("one", "", "has no file for id 'one'"),
        ("", BINS, "'w' .* names no file: location, file_path and file_id are missing"),
        ("one", "{", "must be JSON of the form .* .E10001."),
        ("one", "[]", "must be JSON"),
        ("one", '{"value_bins": [{"value_bin_id": "one"}]}', "must be JSON"),
        ("one", '{"value_bins": [{"value_bin_id": 1, "value_bin_file": "x"}]}', "must be JSON"),
        ("one", "[" * 100_000, "must be JSON"),
    ],
)
def test_files_by_id(
    id: str, bins: str, fault: str | None,
    models: Models, static_builder: Builder, folder: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("ASCEND_OPT_VALUE_BINS", bins)
    monkeypatch.chdir(folder)
    (folder / "w.bin").write_bytes(W.tobytes())
    om = model(static_builder(), {"w": {"file_id": id}})
    if fault is None:
        assert run(models, load(models, folder, om)) == W.tolist()
        return
    with pytest.raises(AclError, match=fault) as caught:
        load(models, folder, om)
    assert caught.value.code == 500002


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is told by /proc")
def test_loading_reads_no_weight(models: Models, static_builder: Builder, folder: Path) -> None:
    size, builder = 1 << 27, static_builder()
    builder.variable_size = size + 1024
    builder.variable("w", np.float32, [size // 4], 0, location="weight_w")
    builder.output("w")
    with (folder / "weight" / "weight_w").open("wb") as file:
        file.truncate(size)
    before = resident()
    number = load(models, folder, builder.pack())
    models[number].session.ready(models[number].session.current)
    assert resident() - before < size // 4


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is told by /proc")
@pytest.mark.parametrize("shift", range(2))
def test_nor_does_it_copy_weights_inside(
    shift: int, models: Models, static_builder: Builder, folder: Path
) -> None:
    """They lie at any byte of the file: its name and with it the message before them is longer."""
    size, builder = 1 << 26, static_builder("m" * (shift + 1))
    builder.const("w", np.ones(size // 4, np.float32))
    builder.output("w")
    om = builder.pack()
    (folder / "model.om").write_bytes(om)
    del om, builder
    before = resident()
    number = models.load(str(folder / "model.om"))
    assert resident() - before < size // 2
    (result,) = models[number].run([])
    assert result.min() == result.max() == 1


@pytest.mark.parametrize("offset", [2, 4])
def test_weights_at_odd_places(
    offset: int, models: Models, static_builder: Builder, folder: Path
) -> None:
    om = model(static_builder(), {"w": at("weight_w", offset)})
    number = load(models, folder, om, weight_w=bytes(offset) + W.tobytes())
    assert files_of(models, number).mapped == (offset == 4)
    assert run(models, number) == run(models, number) == W.tolist()


def test_more_files_than_can_be_open(
    models: Models, static_builder: Builder, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weight_files, "MAPPED_FILES", 2)
    names = [f"weight_{number}" for number in range(5)]
    om = model(static_builder(), {name: at(name) for name in names})
    number = load(models, folder, om, **dict.fromkeys(names, W))
    assert files_of(models, number).mapped == 2
    (folder / "weight" / "weight_4").write_bytes(V.tobytes())
    with pytest.raises(AclError, match="weight_4, needed by node 'weight_4', has changed since"):
        run(models, number)
    number = load(models, folder, om)
    assert run(models, number) == (4 * W + V).tolist()


def test_files_that_change_while_the_model_is_loaded(
    models: Models, static_builder: Builder, folder: Path
) -> None:
    file = folder / "weight" / "weight_w"
    number = load(models, folder, model(static_builder(), {"w": at("weight_w")}), weight_w=W)
    (folder / "new").write_bytes(V.tobytes())
    (folder / "new").rename(file)
    assert run(models, number) == W.tolist()
    file.unlink()
    assert run(models, number) == W.tolist()
    number = load(models, folder, model(static_builder(), {"w": at("weight_w")}), weight_w=W)
    os.truncate(file, 8)
    for _ in range(2):
        with pytest.raises(AclError, match="weight_w, needed by node 'w', has changed since the"):
            run(models, number)


DAMAGE = r"weight_w is damaged: the 16 bytes at 0, needed by node 'w', are not those .* SHA-256 is "


@pytest.mark.parametrize("when", [Verify.LOAD, Verify.BACKGROUND])
def test_damage_in_small_weights_is_found_at_load(
    when: Verify, static_builder: Builder, folder: Path
) -> None:
    models = Models(Memory(), verify=when)
    om = model(static_builder(), {"w": hashed(W), "v": hashed(V, "weight_v")})
    assert run(models, load(models, folder, om, weight_w=W, weight_v=V)) == (V + W).tolist()
    before = len(models.memory.live)
    with pytest.raises(
        AclError, match=r"weight_v is damaged.*'v'.* SHA-256 is " + digest(W)
    ) as caught:
        load(models, folder, om, weight_w=V, weight_v=W)  # swapped
    assert caught.value.code == 500002 and len(models.memory.live) == before


def test_damage_in_large_weights_is_found_meanwhile(
    models: Models, static_builder: Builder, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weight_check, "SOON", 0)
    om = model(static_builder(), {"w": hashed(W)})
    number = load(models, folder, om, weight_w=W)
    _verified(models, number)
    assert run(models, number) == W.tolist()
    number = load(models, folder, om, weight_w=W + 1)
    _verified(models, number)
    for _ in range(2):
        with pytest.raises(AclError, match=DAMAGE) as caught:
            run(models, number)
        assert caught.value.code == 500002


def _verified(models: Models, number: int) -> None:
    """Waits for the threads that verify a model's weights."""
    files_of(models, number).verification.wait()


def test_damage_is_overlooked_when_nobody_asks(
    models: Models, static_builder: Builder, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    om = model(static_builder(), {"w": hashed(W)})
    monkeypatch.setenv("ASCEND_OPT_VERIFY_WEIGHTS", "never")
    assert run(models, load(models, folder, om, weight_w=V)) == V.tolist()
    monkeypatch.setenv("ASCEND_OPT_VERIFY_WEIGHTS", "sometimes")
    with pytest.raises(AclError, match="sometimes: the moments to verify are background and load"):
        load(models, folder, om, weight_w=V)


def test_a_file_that_is_replaced_before_it_is_verified(
    models: Models, static_builder: Builder, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model has the old one still, which can no longer be found."""
    goes_on = threading.Event()
    verify = weight_check.sha256

    def later(weight: Any) -> bytes:
        goes_on.wait(10)
        return verify(weight)

    monkeypatch.setattr(weight_check, "SOON", 0)
    monkeypatch.setattr(weight_check, "sha256", later)
    number = load(models, folder, model(static_builder(), {"w": hashed(W)}), weight_w=W)
    (folder / "new").write_bytes(V.tobytes())
    (folder / "new").rename(folder / "weight" / "weight_w")
    goes_on.set()
    _verified(models, number)
    assert run(models, number) == W.tolist()


def test_damage_of_one_model_of_a_bundle_stops_all(
    models: Models, static_builder: Builder, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What both have is verified once."""
    monkeypatch.setattr(weight_check, "SOON", 0)
    one, other = {"w": hashed(W)}, {"w": hashed(W), "v": hashed(V, "weight_v")}
    parts = [Held(model(static_builder(), weights)) for weights in (one, other)]
    for name in "wv":
        (folder / "weight" / f"weight_{name}").write_bytes(W.tobytes())
    (folder / "bundle.om").write_bytes(pack_bundle(4096, parts))
    bundle = models.bundle(models.load_bundle(str(folder / "bundle.om")))
    checks = [weights.verification for weights in _external(bundle.session)]
    assert [len(check.expected) for check in checks] == [1, 1]
    for check in checks:
        check.wait()
    for number in bundle.model_ids:
        with pytest.raises(AclError, match="weight_v is damaged"):
            run(models, number)


def _external(session: Session) -> list[weight_files.WeightFiles]:
    return [found for found in session.external if isinstance(found, weight_files.WeightFiles)]
