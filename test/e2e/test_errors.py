# pyright: reportUnknownMemberType=false
"""A user's mistake gets one clear line, the right exit code, and leaves nothing written.

onnx's helpers take values of any type, which strict typing does not know.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from compiler.atc import main as atc
from compiler.cli import main as ascend_opt
from compiler.pipelines import BUILD, KERNELS

DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "model.onnx"


def save(folder: Path, node: onnx.NodeProto, *constants: onnx.TensorProto) -> Path:
    """A model of one node on one input."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])
    graph = helper.make_graph([node], "g", [x], [y], list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def missing(folder: Path) -> Path:
    return folder / "nowhere.onnx"


def not_a_protobuf(folder: Path) -> Path:
    path = folder / "text.onnx"
    path.write_text("this is no model")
    return path


def no_graph(folder: Path) -> Path:
    path = folder / "empty.onnx"
    path.write_bytes(onnx.ModelProto(ir_version=8).SerializeToString())
    return path


def unknown_operator(folder: Path) -> Path:
    return save(folder, helper.make_node("Frobnicate", ["x"], ["y"], name="odd"))


def escaping_data(folder: Path) -> Path:
    (folder.parent / "secret").write_bytes(bytes(16))
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4])
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../secret")
    return save(folder, helper.make_node("Add", ["x", "w"], ["y"], name="sum"), weight)


def doubled_attribute(folder: Path) -> Path:
    node = helper.make_node("Softmax", ["x"], ["y"], name="odd", axis=-1)
    node.attribute.append(helper.make_attribute("axis", 0))
    return save(folder, node)


MODELS: list[tuple[Callable[[Path], Path], str, str]] = [
    (missing, "nowhere.onnx", "E10001"),
    (not_a_protobuf, "is not an ONNX model", "E13005"),
    (no_graph, "holds no graph", "E16004"),
    (unknown_operator, "'odd'", "E13010"),
    (escaping_data, "'../secret'", "E13005"),
    (doubled_attribute, "gives its attribute 'axis' twice", "E13005"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    made.mkdir()
    return made


@pytest.mark.parametrize(("make", "words", "code"), MODELS)
def test_bad_models(
    make: Callable[[Path], Path],
    words: str,
    code: str,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    path, out = str(make(folder)), tmp_path / "out"
    assert ascend_opt([path, "-p", "offline", "-t", f'om{{output="{out}/m"}}']) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert words in printed.err
    arguments = [f"--model={path}", f"--output={out}/m", "--soc_version=Ascend910B4"]
    assert atc(["--framework=5", *arguments]) == 255
    assert f"({code})" in capsys.readouterr().out
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-p", "no-such-pass"], "unknown pass 'no-such-pass'"),
        (["-p", "convert-onnx-to-g"], "did you mean 'convert-onnx-to-ge'?"),
        (["-p", "ge-externalize-weights{mode=7}"], "mode=7 is not 0, 1, 2 or reference"),
        (
            ["-p", "convert-onnx-to-ge,convert-ge-to-om{soc=Ascend910B9}"],
            "unknown SoC 'Ascend910B9': did you mean",
        ),
        (["-p", "ge-externalize-weights{modus=1}"], "no option 'modus' (options: mode, model, "),
        (["-p", "ge-externalize-weights{mode=1"], "do not parse"),
        (["-p", 'offline{refresh="nothing"}'], "no weight is called 'nothing'"),
        (["-p", "offline{soc=Ascend910B9}"], "Ascend910B9"),
        (
            ["-p", "convert-onnx-to-ge,ge-make-weight-refreshable"],
            "no weight is named: names, patt",
        ),
        (["-p", "offline{prove}"], "prove= is not true or false"),
        (["-p", "offline{refresh=fc1.weight}"], 'need quotes, as in refresh="fc1.weight"'),
        (["-t", ' om{output="x"}'], "a name is expected (it comes first, without a space before"),
        (["-t", "om"], "needs the option output=text"),
        (["-t", 'om{output=""}'], 'output="" does not name a file'),
        (["-t", 'om{output="/tmp/"}'], 'output="/tmp/" does not name a file'),
        (["-t", 'om{output="x/.om"}'], 'output="x/.om" does not name a file'),
        (["-p", "convert-ge-to-om"], "convert-ge-to-om: the module has no ge.graph (pass convert"),
        (["-p", "convert-ge-to-davinci"], "convert-ge-to-davinci: the module has no ge.graph"),
        (["--split-input-file"], "--split-input-file splits text"),
        (["-t", "elf"], "invalid choice: 'elf'"),
        (["--input-shape", "x"], "The shape must contain two parts: name and value"),
        (["--input-shape", "1,-1"], "every shape needs its input's name"),
        (["--input-shape", f"image:1,1,8,{2**63}"], "gives 'image' a dimension above"),
        (["--input-shape", "x:1"], "input_shape names 'x', the model's inputs are 'image'"),
        (["--frobnicate"], "unrecognized arguments: --frobnicate"),
        (["--input-shape", "image:1,1,8,8;image:2,1,8,8"], "image for parameter --input_shape"),
        (["--input-shape", "x:1", "--input-shape=y:2"], "the option --input-shape is given twice"),
        (["-p", "offline", "-p", "offline"], "the option -p is given twice"),
        (["-p", "offline{soc=a soc=b}"], "pass 'offline' is given the option soc twice"),
        (
            ["-p", 'offline{external_threshold=1 refresh="a","b" external-threshold=1}'],
            "pass 'offline' is given the option external-threshold twice",
        ),
        (["-t", 'om{output="a" output="b"}'], "target 'om' is given the option output twice"),
    ],
)
def test_bad_options(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]):
    assert ascend_opt([str(DIGITS), *arguments]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert words in printed.err


@pytest.mark.parametrize("option", ["soc_version", "precision_mode", "input_shape"])
def test_an_option_of_atc_given_twice(option: str, capsys: pytest.CaptureFixture[str]):
    assert atc(["--framework=5", f"--{option}=a", f"--{option.replace('_', '-')}", "b"]) == 255
    assert capsys.readouterr().err == f"ERROR: flag '--{option}' is given twice\n"


def test_a_pass_may_be_run_twice(capsys: pytest.CaptureFixture[str]):
    passes = "convert-onnx-to-ge,ge-externalize-weights{mode=1},ge-externalize-weights{mode=1}"
    assert ascend_opt([str(DIGITS), "-p", passes]) == 0, capsys.readouterr().err


def test_vectors_too_long_to_be_shapes_are_not_followed(folder: Path):
    """onnx follows the values of vectors while it infers shapes: a few bytes ask for terabytes."""
    node = helper.make_node("Add", ["x", "e"], ["y"], name="sum")
    model = onnx.load(save(folder, node))
    model.graph.input.append(helper.make_tensor_value_info("e", TensorProto.FLOAT, [10**12]))
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 10**12
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    limited = f"ulimit -v 4000000; {sys.executable} -m compiler.cli {path}"
    environment = os.environ | {"PYTHONPATH": str(DIGITS.parents[2])}
    done = subprocess.run(
        ["bash", "-c", limited], check=False, capture_output=True, text=True, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "tensor<1000000000000xf32>" in done.stdout


@pytest.mark.parametrize("keep", [0, 100, 255, 300, 2000, -1])
def test_truncated_om(keep: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert ascend_opt([str(DIGITS), "-p", "offline", "-t", f'om{{output="{tmp_path}/m"}}']) == 0
    whole = (tmp_path / "m.om").read_bytes()
    capsys.readouterr()
    cut = tmp_path / "cut.om"
    cut.write_bytes(whole[:keep])
    assert ascend_opt([str(cut)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert "cut.om" in printed.err


def test_a_folder_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").write_text("in the way")
    assert (
        ascend_opt([str(DIGITS), "-p", "offline", "-t", f'om{{output="{tmp_path}/file/m"}}']) == 1
    )
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b'"test.op"() {w = "%s' % (b"0" * 64), "closing string literal"),
        (b'"test.op"() {w = "\xff"} : () -> ()', "not UTF-8 text"),
        (b'"test.op"() {w = 99999999999999999999 : i64} : () -> ()', "out of range"),
        (b"ge.graph @x {}", "text.mlir:1:10: string literal expected"),
    ],
)
def test_bad_text(text: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "text.mlir"
    path.write_bytes(text)
    assert ascend_opt([str(path)]) == 1
    printed = capsys.readouterr()
    assert len(printed.err.splitlines()) == 1
    assert words in printed.err


def test_a_model_that_does_not_fit_the_device_is_not_compiled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "huge.mlir"
    path.write_text("""ge.graph "huge" {
      %x = ge.Data "x" {index = 0 : i64} : tensor<1048576x1048576xf16>
      %y = ge.op "Relu" "y"(x = %x) : (tensor<1048576x1048576xf16>) -> tensor<1048576x1048576xf16>
      ge.NetOutput "Node_Output"(input0 = %y) : (tensor<1048576x1048576xf16>)
    }""")
    passes = ",".join((*KERNELS, *BUILD))
    assert ascend_opt([str(path), "-p", passes, "-t", f'schedule{{output="{tmp_path}/s"}}']) == 1
    said = capsys.readouterr().err
    assert "needs 4096.0 GiB of memory, Ascend910B4 has 32" in said
    assert "node 'y' alone makes 2048.0 GiB" in said or "node 'x' alone makes 2048.0 GiB" in said
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ('om{output="OUT/m"}', "has no placement: pass 'om-plan-memory' gives it one"),
        ('schedule{output="OUT/s"}', "has no addresses: pass om-plan-memory makes them"),
    ],
)
def test_a_model_without_addresses_is_no_file_and_no_schedule(
    target: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    arguments = ["-p", "convert-onnx-to-ge,convert-ge-to-om", "-t", target]
    assert ascend_opt([str(DIGITS), *(a.replace("OUT", str(tmp_path)) for a in arguments)]) == 1
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_external_data_behind_a_link_needs_a_root(folder: Path, capsys: pytest.CaptureFixture[str]):
    blobs = folder.parent / "blobs"
    blobs.mkdir()
    (blobs / "data").write_bytes(bytes(16))
    (folder / "w.bin").symlink_to(blobs / "data")
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4])
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="w.bin")
    model = save(folder, helper.make_node("Add", ["x", "w"], ["y"], name="sum"), weight)
    assert ascend_opt([str(model)]) == 1
    assert "--allow-root" in capsys.readouterr().err
    assert ascend_opt([str(model), "--allow-root", str(blobs)]) == 0
    (folder / "w.bin").unlink()
    (folder / "w.bin").mkdir()
    (blobs / "w.bin").write_bytes(bytes(16))
    assert ascend_opt([str(model), "--external-data-dir", str(blobs)]) == 0


def test_a_file_that_does_not_say_what_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for name in ("model", "model.bin"):
        path = tmp_path / name
        path.write_bytes(DIGITS.read_bytes())
        assert ascend_opt([str(path)]) == 1
        assert "-f (mlir, onnx, om)" in capsys.readouterr().err
    assert ascend_opt(["-f", "onnx"]) == 1
    assert "from a file: name one" in capsys.readouterr().err


def test_a_given_extension_is_not_doubled(tmp_path: Path):
    assert ascend_opt([str(DIGITS), "-p", "offline", "-t", f'om{{output="{tmp_path}/m.om"}}']) == 0
    arguments = [f"--model={DIGITS}", f"--output={tmp_path}/n.om", "--external_weight=2"]
    assert atc(["--framework=5", "--soc_version=Ascend910B4", *arguments]) == 0
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {"m.om", "n.om", "n_weight_combined"}


@pytest.mark.parametrize("output", ["/proc/x/y", "FILE/y", "FILE/x/y", "folder", "taken/y"])
def test_atc_where_nothing_can_be_written(
    output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "FILE").write_text("in the way")
    (tmp_path / "folder.om").mkdir()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "weight").write_text("in the way")
    path = tmp_path / output
    arguments = [f"--model={DIGITS}", f"--output={path}", "--external_weight=1"]
    assert atc(["--framework=5", "--soc_version=Ascend910B4", *arguments]) == 255
    printed = capsys.readouterr().out
    assert f"(E10001): Value {path} for parameter --output is invalid. Reason: " in printed


def test_passes_are_followed_by_ir_that_parses(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    passes = "convert-onnx-to-ge,ge-remove-identity"
    assert ascend_opt([str(DIGITS), "-p", passes, "--print-between-passes"]) == 0
    between, _ = capsys.readouterr().out.split("}\n\nbuiltin.module")
    path = tmp_path / "between.mlir"
    path.write_text(f"{between}}}\n")
    assert ascend_opt([str(path)]) == 0


def test_a_model_is_not_converted_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert ascend_opt([str(DIGITS), "-p", "offline", "-t", f'om{{output="{tmp_path}/m"}}']) == 0
    for conversion in ("offline", "convert-onnx-to-ge"):
        assert ascend_opt([f"{tmp_path}/m.om", "-p", conversion]) == 1
        assert f"{conversion}: the module has no onnx.graph" in capsys.readouterr().err
    assert ascend_opt([f"{tmp_path}/m.om", "-p", "convert-ge-to-om"]) == 0
    assert ascend_opt([str(DIGITS), "-p", "convert-onnx-to-ge,convert-onnx-to-ge"]) == 0
    (tmp_path / "empty.mlir").write_text("builtin.module {}")
    assert ascend_opt([str(tmp_path / "empty.mlir"), "-p", "offline"]) == 0


def test_an_interrupt_is_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("compiler.driver.AscendOptMain.apply_passes", interrupt)
    monkeypatch.setattr("compiler.atc.build.build", interrupt)
    assert ascend_opt([str(DIGITS), "-o", str(tmp_path / "x")]) == 130
    assert atc([f"--model={DIGITS}"]) == 130
    assert capsys.readouterr().err == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (f"compiler.cli {DIGITS} >&-", 1),
        (f"compiler.cli {DIGITS} >/dev/full", 1),
        (f"compiler.cli {DIGITS} | true", 141),
        ("compiler.atc --help | true", 141),
        ("compiler.atc --help >/dev/full", 1),
        ("compiler.atc --help >&-", 0),
    ],
)
def test_output_that_nobody_reads(command: str, code: int, tmp_path: Path):
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m {command}; echo ${{PIPESTATUS[0]}}"],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(DIGITS.parents[2])},
        cwd=tmp_path,
    )
    assert done.stdout == f"{code}\n"
    assert len(done.stderr.splitlines()) == (code == 1)


def test_the_example_says_how_it_is_called():
    refresh = DIGITS.parent / "refresh.py"
    done = subprocess.run(
        [sys.executable, "-m", "runtime.acl", str(refresh)],
        check=False,
        capture_output=True,
        text=True,
        cwd=DIGITS.parents[2],
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "usage: refresh.py BUNDLE.om (a bundle of three graphs, as demo.sh compiles)"
    ]


def test_the_commands_themselves_exit_with_these_codes(tmp_path: Path):
    environment = os.environ | {"PYTHONPATH": str(DIGITS.parents[2])}
    for program, code in (("compiler.cli", 1), ("compiler.atc", 255)):
        done = subprocess.run(
            [sys.executable, "-m", program, "--nonsense"],
            check=False,
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
        )
        assert done.returncode == code
        assert len(done.stderr.splitlines()) == 1
