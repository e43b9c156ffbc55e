"""Files we write, as Netron's parser sees them."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from compiler.om.files import write_file
from compiler.om.writer import CompiledModel, lay_out_model

Dump = Callable[[Path], dict[str, Any]]


@pytest.fixture
def seen(netron_dump: Dump, static_model: CompiledModel, tmp_path: Path) -> dict[str, Any]:
    write_file(tmp_path / "net.om", lay_out_model(static_model))
    return netron_dump(tmp_path / "net.om")


def test_graph_and_operators(seen: dict[str, Any]) -> None:
    (graph,) = seen["graphs"]
    assert graph["name"] == "net"
    assert [(node["name"], node["type"]) for node in graph["nodes"]] == [
        ("x", "Data"),
        ("mm", "MatMulV2"),
        ("add", "Add"),
        ("out", "NetOutput"),
    ]


def test_constants_are_initializers_with_their_bytes(seen: dict[str, Any]) -> None:
    nodes = {node["name"]: node for node in seen["graphs"][0]["nodes"]}
    assert seen["weights"] == 2048
    for node, data, shape in (("mm", range(48), [4, 3]), ("add", range(100, 112), [3])):
        initializer = nodes[node]["inputs"][1]["values"][0]["initializer"]
        content = {"length": len(data), "sha256": sha256(bytes(data)).hexdigest()}
        assert initializer == {"dtype": "float32", "shape": shape, "layout": "ND", "data": content}


def test_edges_types_and_attributes(seen: dict[str, Any]) -> None:
    nodes = {node["name"]: node for node in seen["graphs"][0]["nodes"]}
    (value,) = nodes["out"]["inputs"][0]["values"]
    assert (value["name"], value["dtype"], value["shape"]) == ("add:0", "float32", [2, 3])
    assert nodes["x"]["attributes"]["index"] == {"type": "int64", "value": 0}
    assert nodes["mm"]["attributes"]["transpose_x1"] == {"type": "boolean", "value": False}
    assert nodes["add"]["attributes"]["scales"] == {"type": "float32[]", "value": [0.5, 2.0]}
    assert nodes["add"]["attributes"]["_input_name_key"]["value"] == "x0, x1"


def test_a_file_of_graphengine(netron_dump: Dump, root_model: Path) -> None:
    # Its NetOutput takes [-1] where the producer says [16].
    assert netron_dump(root_model) == {"error": "Duplicate value 'fused_op1:0'."}


def test_what_is_no_om_file(netron_dump: Dump, tmp_path: Path) -> None:
    (tmp_path / "not.om").write_bytes(bytes(300))
    assert netron_dump(tmp_path / "not.om") == {"error": "not recognised"}
