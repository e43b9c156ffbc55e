"""Which passes ATC's switch file and --oo options switch off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compiler.atc.build import disabled_passes
from compiler.atc.errors import AtcError
from compiler.errors import UserError
from compiler.fusion_switches import FUSIONS, UB_FUSIONS, known_names, read_switches, switchable
from compiler.pipelines import FUSE, OPTIMISE


def test_every_name_is_a_pass_of_the_pipeline():
    assert {FUSIONS.get(name, name) for name in known_names()} <= {*OPTIMISE, *FUSE}


def test_names_of_both_kinds_mean_a_pass():
    assert switchable(["ConvBatchnormFusionPass"]) == {"ge-fuse-conv-batch-norm"}
    assert switchable(["ge-fuse-gelu"]) == {"ge-fuse-gelu"}
    with pytest.raises(UserError, match="did you mean 'ConvBatchnormFusionPass'"):
        switchable(["ConvBatchnormFusion"])


def written(folder: Path, content: object) -> str:
    path = folder / "switches.cfg"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_lines(tmp_path: Path):
    path = written(tmp_path, "MatMulBiasAddFusionPass:off\n\nPadConv2dFusionPass : on\nTbeX:off\n")
    assert read_switches(path) == (("MatMulBiasAddFusionPass",), ("TbeX",))


def test_json_switches_all_but_some(tmp_path: Path):
    graph = {"ALL": "off", "MatMulBiasAddFusionPass": "on", "NoSuchPass": "off"}
    path = written(tmp_path, {"Switch": {"GraphFusion": graph, "UBFusion": {"ALL": "on"}}})
    off, unknown = read_switches(path)
    assert unknown == ("NoSuchPass",)
    assert "ge-fuse-conv-batch-norm" in off
    assert "ge-fuse-matmul-bias" not in off
    assert "ge-lower-global-pool" not in off
    assert "ge-fuse-eltwise" not in off


def test_json_switches_groups_one_by_one(tmp_path: Path):
    kernels = {"ALL": "off", "TbeFixPipeFusionPass": "on"}
    path = written(tmp_path, {"Switch": {"UBFusion": kernels}})
    assert read_switches(path) == (tuple(sorted(UB_FUSIONS - {"ge-fuse-fixpipe"})), ())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no JSON"),
        ({"GraphFusion": {}}, 'the key "Switch"'),
        ({"Switch": {"GraphFusion": "off"}}, '"GraphFusion" must hold switches'),
        ({"Switch": {"GraphFusion": {"ALL": "no"}}}, "'ALL' must be on or off, not 'no'"),
        ("A:off\nConvBatchnormFusionPass\n", ":2: the switch 'ConvBatchnormFusionPass' must"),
    ],
)
def test_a_wrong_file_is_told(content: object, message: str, tmp_path: Path):
    with pytest.raises(UserError, match=message):
        read_switches(written(tmp_path, content))


def test_options_of_atc(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = written(tmp_path, "ConvBatchnormFusionPass:off\nTbeX:off\n")
    off = disabled_passes({"fusion_switch_file": path, "oo_constant_folding": "false"})
    assert off == ("ge-fold-constants", "ConvBatchnormFusionPass")
    assert "no fusion 'TbeX'" in capsys.readouterr().err
    with pytest.raises(AtcError, match="--fusion_switch_file is invalid"):
        disabled_passes({"fusion_switch_file": str(tmp_path / "missing")})
    assert disabled_passes({}) == ()
