# pyright: reportUnknownMemberType=false
"""Weight files: who may read them, what they are called, and what stays in the model.

onnx's helpers take values of any type, which strict typing does not know.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import external_data_helper, helper, numpy_helper

from compiler.atc import main as atc
from compiler.cli import main as ascend_opt
from compiler.om.model_reader import read_model
from compiler.om.staging import Staging
from runtime.device import Memory
from runtime.errors import AclError
from runtime.loaded_model import Buffer
from runtime.model_registry import Models

WEIGHTS = {
    "large": np.arange(600, dtype=np.float32),
    "same": np.arange(600, dtype=np.float32),
    "small": np.ones(600, np.float32)[:1],
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """y = x * large + same * small, all weights in the file."""
    nodes = [
        helper.make_node("Mul", ["x", "large"], ["a"], "mul"),
        helper.make_node("Mul", ["x", "small"], ["b"], "scale"),
        helper.make_node("Add", ["b", "same"], ["c"], "shift"),
        helper.make_node("Add", ["a", "c"], ["y"], "sum"),
    ]
    x, y = (helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [600]) for n in "xy")
    tensors = [numpy_helper.from_array(value, name) for name, value in WEIGHTS.items()]
    graph = helper.make_graph(nodes, "net", [x], [y], tensors)
    path = tmp_path / "in" / "m.onnx"
    path.parent.mkdir()
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )
    return path


def compiled(model: Path, options: str, name: str = "m") -> Path:
    output = model.parents[1] / "out" / name
    passes = f'offline{{precision=must_keep_origin_dtype model="{name}" {options}}}'
    assert ascend_opt([str(model), "-p", passes, "-t", f'om{{output="{output}"}}']) == 0
    return output.with_name(f"{name}.om")


def sizes(om: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in om.parent.glob("weight/*")}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def text_of(data: bytes) -> str:
    return "".join(f"{byte:x}" for byte in hashlib.sha256(data).digest())


def test_a_file_for_each_content(model: Path) -> None:
    previous = os.umask(0o022)
    try:
        om = compiled(model, "external_weight=1")
    finally:
        os.umask(previous)
    names = {f"weight_{text_of(value.tobytes())}": value for value in WEIGHTS.values()}
    found = {path.name: path.read_bytes() for path in om.parent.glob("weight/*")}
    assert found == {name: value.tobytes() for name, value in names.items()} and len(found) == 2
    assert {mode(path) for path in om.parent.glob("weight/*")} == {0o600}
    assert (mode(om.parent / "weight"), mode(om)) == (0o700, 0o644)
    # With no constant inside the partition is what its alignment takes.
    assert bytes(read_model(om).root.weights) == bytes(1024)


def test_one_file_for_all(model: Path) -> None:
    previous = os.umask(0o022)
    try:
        om = compiled(model, "external_weight=2", "a.b")
    finally:
        os.umask(previous)
    combined = om.parent / "weight" / "a.b_weight_combined"
    large, small = (WEIGHTS[name].tobytes() for name in ("large", "small"))
    assert combined.read_bytes() == large + bytes(-len(large) % 512) + small + bytes(508)
    assert mode(combined) == 0o644


def test_the_same_bytes_from_run_to_run(model: Path) -> None:
    for options in ("external_weight=1", "external_weight=2"):
        first = compiled(model, options)
        before = {path: path.read_bytes() for path in first.parent.rglob("*") if path.is_file()}
        unchanged = {path: path.stat().st_mtime_ns for path in first.parent.glob("weight/*")}
        compiled(model, options)
        assert {path: path.read_bytes() for path in before} == before
        assert {path: path.stat().st_mtime_ns for path in unchanged} == unchanged


def test_a_damaged_file_of_a_hash_is_told_for_what_it_is(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    om = compiled(model, "external_weight=1", "one")
    file = next(om.parent.glob("weight/*"))
    file.write_bytes(bytes(file.stat().st_size))
    passes = "offline{precision=must_keep_origin_dtype external_weight=1}"
    assert ascend_opt([str(model), "-p", passes, "-t", f'om{{output="{om.parent}/two"}}']) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{file} has not the bytes that its name says, which one.om may need" in line
    assert "offline{model" not in line and "om{overwrite=true}" in line


def test_data_files_of_one_name(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A device looks for them by their last component: it can have one of them only."""
    made = onnx.load(model)
    for tensor in made.graph.initializer[:2]:
        file = model.parent / tensor.name / "w.bin"
        file.parent.mkdir()
        file.write_bytes(tensor.raw_data)
        external_data_helper.set_external_data(tensor, f"{tensor.name}/w.bin")
        tensor.ClearField("raw_data")
    onnx.save(made, model)
    capsys.readouterr()
    om = compiled(model, "external_weight=reference")
    assert capsys.readouterr().err == (
        "note: 2 files called 'w.bin' are referred to: in its weight folder a device can have one\n"
    )
    assert np.array_equal(run(om), EXPECTED)


def test_two_models_share_what_they_have_in_common(model: Path) -> None:
    compiled(model, "external_weight=1", "one")
    before = sizes(model.parents[1] / "out" / "one.om")
    om = compiled(model, "external_weight=1", "two")
    assert sizes(om) == before and {path.name for path in om.parent.glob("*.om")} == {
        "one.om",
        "two.om",
    }


@pytest.mark.parametrize(
    ("options", "outside"),
    [
        ("external_threshold=100", {"large", "same"}),
        ('external_include="s*"', {"same", "small"}),
        ('external_exclude="large","sm*"', {"same"}),
    ],
)
def test_some_stay_inside(model: Path, options: str, outside: set[str]) -> None:
    om = compiled(model, f"external_weight=1 {options}")
    ops = read_model(om).root.model_def.graph[0].op
    kinds = {op.name.partition("_")[0]: op.type for op in ops if "_Initializer_" in op.name}
    assert kinds == {n: "FileConstant" if n in outside else "Const" for n in WEIGHTS}
    assert (om.parent / "weight").exists() == bool(outside)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ('external_weight=1 external_include="nope"', "external_include: no constant .* 'nope'"),
        ('external_weight=1 external_include="large","x*"', "external_include: no constant .* 'x"),
        ('external_weight=1 external_include="[l"', "external_include: no constant .* '.l'"),
        ('external_weight=1 external_exclude="nope"', "external_exclude: no constant .* 'nope'"),
        ('external_weight=1 external_include=""', "a name is empty"),
        ("external_weight=1 external_threshold=-1", "external_threshold is -1"),
        ("external_weight=1 external_hash=true", "external_hash is for external_weight=reference"),
        ("external_threshold=1", "external_weight=1, 2 or reference is missing"),
        ('external_include="large"', "external_weight=1, 2 or reference is missing"),
    ],
)
def test_what_selects_nothing_is_an_error(
    options: str, message: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    passes = f"offline{{{options}}}"
    assert ascend_opt([str(model), "-p", passes, "-t", f'om{{output="{tmp_path}/out/m"}}']) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(message, line)
    assert not (tmp_path / "out").exists()


def test_a_pattern_may_exclude_nothing(model: Path) -> None:
    assert len(sizes(compiled(model, 'external_weight=1 external_exclude="*.bias"'))) == 2


def run(om: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """What the model gives for x = 2."""
    models = Models(Memory())
    model = models[models.load(str(om))]
    x, y = (models.memory.allocate(2400) for _ in "xy")
    x.memory[:2400] = np.frombuffer(np.full(600, 2, np.float32).tobytes(), np.uint8)
    model.execute([Buffer(x.address, 2400)], [Buffer(y.address, 2400)])
    return models.memory.view(y.address, 2400, "y").view(np.float32)


EXPECTED = 2 * WEIGHTS["large"] + 2 * WEIGHTS["small"] + WEIGHTS["same"]


def test_referred_to_where_they_are(model: Path) -> None:
    om = compiled(model, "external_weight=reference external_threshold=100")
    assert [path.name for path in om.parent.iterdir()] == ["m.om"]
    assert np.array_equal(run(om), EXPECTED)
    ops = {op.name: op for op in read_model(om).root.model_def.graph[0].op}
    large = ops["large_Initializer_0"]
    assert (large.type, large.attr["location"].s) == ("FileConstant", b"m.onnx")
    start = large.attr["offset"].i
    assert model.read_bytes()[start : start + 2400] == WEIGHTS["large"].tobytes()
    assert large.attr["_ascend_opt_reference"].s.decode() == str(model)
    assert ops["small_Initializer_2"].type == "Const"


def test_referred_to_and_moved(model: Path, tmp_path: Path) -> None:
    om = compiled(model, "external_weight=reference external_threshold=100")
    for place in (om.parent / "m.onnx", om.parent / "weight" / "m.onnx"):
        place.parent.mkdir(exist_ok=True)
        model.rename(place)
        assert np.array_equal(run(om), EXPECTED)
        model = place
    again = tmp_path / "again" / "m"
    assert ascend_opt([str(om), "-t", f'om{{output="{again}"}}']) == 0
    assert again.with_suffix(".om").read_bytes() == om.read_bytes()
    model.unlink()
    with pytest.raises(AclError, match=r"m.onnx, needed by node '.*': No such file"):
        run(om)


def test_referred_to_and_changed(model: Path) -> None:
    om = compiled(model, "external_weight=reference external_threshold=100")
    original = model.read_bytes()
    data = bytearray(original)
    data[data.index(WEIGHTS["large"].tobytes()) + 1000] ^= 1
    model.write_bytes(data)
    with pytest.raises(AclError, match="is not what it was when the model was compiled"):
        run(om)
    model.write_bytes(original[:2000])
    with pytest.raises(AclError, match="too short"):
        run(om)


def test_a_change_between_the_blocks_of_a_sample(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the SHA-256 of all bytes tells it; without one everybody says so who is asked."""
    options = "external_weight=reference"
    monkeypatch.setattr("compiler.weights.digests.BLOCK", 64)
    monkeypatch.setenv("ASCEND_OPT_VERIFY_WEIGHTS", "load")
    sampled = compiled(model, options, "sampled")
    hashed = compiled(model, f"{options} external_hash=true", "hashed")
    assert np.array_equal(run(hashed), EXPECTED)
    data = bytearray(model.read_bytes())
    data[data.index(WEIGHTS["large"].tobytes()) + 100] ^= 1
    model.write_bytes(data)
    capsys.readouterr()
    assert ascend_opt(["om", "verify", str(sampled)]) == 0
    told = capsys.readouterr()
    assert told.out == f"{sampled}: ok\n"
    assert told.err.startswith(f"note: {sampled}: 2 external weights are compared by a sample")
    with pytest.warns(UserWarning, match="2 external weights are compared by a sample"):
        run(sampled)
    assert ascend_opt(["om", "verify", str(hashed)]) == 1
    told = capsys.readouterr()
    assert " have hash " in told.out and not told.err
    with pytest.raises(AclError, match="is damaged"):
        run(hashed)


def test_what_a_pass_has_changed_is_inside(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By default float32 becomes float16: there are no such bytes in the ONNX model."""
    output = model.parents[1] / "out" / "m"
    passes = "offline{external_weight=reference external_threshold=100}"
    assert ascend_opt([str(model), "-p", passes, "-t", f'om{{output="{output}"}}']) == 0
    ops = read_model(output.with_suffix(".om")).root.model_def.graph[0].op
    assert "FileConstant" not in {op.type for op in ops}
    assert capsys.readouterr().err == (
        "note: 0 of 2 weights could be referenced (2 are cast to f16): -t weights lists them\n"
    )


def atc_build(model: Path, output: Path, mode: int) -> int:
    arguments = ("--framework=5", "--soc_version=Ascend910B4", f"--external_weight={mode}")
    return atc([f"--model={model}", f"--output={output}", *arguments])


def test_atc_names_the_file_that_is_in_the_way(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    for place in ("file", "link"):
        weight = out / place / "weight"
        weight.parent.mkdir(parents=True)
        weight.write_text("no folder") if place == "file" else weight.symlink_to("nowhere")
        assert atc_build(model, weight.parent / "m", 1) == 255
        text = capsys.readouterr().out
        assert "(E10001)" in text and f"Reason: {weight}: Not a directory" in text
        assert not (weight.parent / "m.om").exists()
    assert atc(["--mode=1", f"--om={out}/nope.om", f"--json={out}/j"]) == 255
    text = capsys.readouterr().out
    assert f"Reason: {out}/nope.om: No such file or directory" in text and "Errno" not in text
    assert atc_build(model, out / ("m" * 245), 2) == 255
    text = capsys.readouterr().out
    assert "(E10001)" in text and "a name of 261 bytes, 255 at most" in text


def garbage(folder: Path, *options: str) -> int:
    return ascend_opt(["om", "gc", str(folder), *options])


def test_weight_files_that_nobody_needs(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    om = compiled(model, "external_weight=1")
    compiled(model, "external_weight=2", "two")
    needed = set(om.parent.rglob("*"))
    stale = om.parent / "weight" / f"weight_{'ab' * 31}"
    stale.write_bytes(b"12345")
    for name in ("weight_notes.txt", "README"):
        (stale.parent / name).write_text("somebody's")
        needed.add(stale.parent / name)
    capsys.readouterr()
    assert garbage(om.parent) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{stale} 5",
        "1 weight file, 5 bytes: not referred to; --remove removes them",
    ]
    assert stale.exists()
    assert garbage(om.parent, "--remove") == 0
    assert set(om.parent.rglob("*")) == needed
    capsys.readouterr()
    assert garbage(om.parent) == 0
    assert capsys.readouterr().out == "every weight file is referred to\n"
    om.unlink()
    assert garbage(om.parent, "--remove") == 0
    assert {path.name for path in om.parent.glob("weight/*")} == {
        "two_weight_combined",
        "weight_notes.txt",
        "README",
    }


def test_nothing_is_removed_in_doubt(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    om = compiled(model, "external_weight=1")
    renamed = om.rename(om.with_name("renamed"))
    before = set(om.parent.rglob("*"))
    assert garbage(om.parent, "--remove") == 0 and set(om.parent.rglob("*")) == before
    (om.parent / "broken.om").write_bytes(renamed.read_bytes()[:400])
    renamed.unlink()
    assert garbage(om.parent, "--remove") == 1
    assert "broken.om" in capsys.readouterr().err
    (om.parent / "broken.om").unlink()
    folder = os.open(om.parent, os.O_RDONLY)
    stage = Staging.make(folder)
    assert garbage(om.parent, "--remove") == 1
    assert "another run is writing here" in capsys.readouterr().err
    stage.close()
    os.close(folder)
    assert len(list(om.parent.glob("weight/*"))) == 2
    assert garbage(om) == 1


def test_what_each_constant_costs(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def report(options: str) -> dict[str, list[str]]:
        assert ascend_opt([str(model), "-p", f"offline{{{options}}}", "-t", "weights"]) == 0
        *lines, total = capsys.readouterr().out.splitlines()
        cost = sum(int(line.split()[0]) for line in lines)
        assert total.startswith(
            f"3 constants of {sum(int(x.split()[1]) for x in lines)} bytes cost"
        )
        assert f"cost {cost} bytes" in total
        return {line.split()[-1].partition("_")[0]: line.split() for line in lines}

    keep = "precision=must_keep_origin_dtype"
    found = report(f"{keep} external_weight=1")
    assert found["large"][:2] == ["2400", "2400"] and found["large"][3] == "unchanged"
    assert found["same"][0] == "0" and found["same"][3:5] == ["duplicate", "of"]
    assert found["small"][0] == "4" and found["small"][3] == "inline"
    assert found["large"][2].startswith("weight_") and found["large"][2].endswith(":0")
    found = report("")
    assert found["large"][:3] == ["1200", "1200", "inside"]
    assert " ".join(found["large"][3:-1]) == "derived: cast f32 to f16"
    found = report(f"{keep} external_weight=reference")
    assert found["large"][0] == "0" and found["large"][3] == "reference"


def test_what_constants_cost_needs_a_pass(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ascend_opt([str(model), "-t", "weights"]) == 1
    assert "pass 'offline' makes" in capsys.readouterr().err
    bare = tmp_path / "bare.mlir"
    bare.write_text('ge.graph "net" {}')
    assert ascend_opt([str(bare), "-t", "weights"]) == 0
    assert capsys.readouterr().out == "0 constants of 0 bytes cost 0 bytes\n"


def test_kernels_do_not_depend_on_where_weights_are(tmp_path: Path) -> None:
    """The axes of a reduction are a constant, which its kernel must know."""
    x, y = (
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("x", [4, 64]), ("y", [4, 1]))
    )
    axes = numpy_helper.from_array(np.array([1]), "axes")
    node = helper.make_node("ReduceSum", ["x", "axes"], ["y"], "sum")
    made = helper.make_model(
        helper.make_graph([node], "net", [x], [y], [axes]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    (tmp_path / "in").mkdir()
    onnx.save(made, tmp_path / "in" / "m.onnx")
    kernels = {
        mode: [
            kernel.name
            for kernel in read_model(
                compiled(tmp_path / "in" / "m.onnx", f"external_weight={mode}")
            ).root.tbe_kernels
        ]
        for mode in (0, 1, 2)
    }
    assert kernels[0] and kernels[0] == kernels[1] == kernels[2]
