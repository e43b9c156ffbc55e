"""CANN's published sample of a weight update, statement by statement, on a bundle we compile."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from compiler.cli import main
from runtime.acl import build

TEXTS = [text for up in Path(__file__).parents for text in up.glob("shared/seeds/002_*.txt")]
STATEMENT = re.compile(r"(?:\w+, )?\w+ = (?:acl\.[\w.]+\([^()]*\)|\[[^\]]*\]|\d+)")
SHAPE = [1, 3, 224, 224]
"""That of the weight which the sample exchanges, its second one."""
FLOAT, ND, NORMAL = 0, 2, 2
TO_DEVICE, FROM_DEVICE = 1, 2

pytestmark = pytest.mark.skipif(not TEXTS, reason="the text of the sample is not here")


def _bundle(folder: Path, kept: Any, exchanged: Any) -> Path:
    """y = x · exchanged + kept."""
    nodes = [
        helper.make_node("Mul", ["x", "exchanged"], ["product"]),
        helper.make_node("Add", ["product", "kept"], ["y"]),
    ]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE) for name in "xy")
    weights = {"kept": kept, "exchanged": exchanged}
    initializers = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "sample", [x], [y], initializers)
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=9)
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    pipeline = 'offline{precision=must_keep_origin_dtype refresh="kept","exchanged"}'
    target = f'om{{output="{folder}/bundle"}}'
    assert main([str(folder / "m.onnx"), "-p", pipeline, "-t", target]) == 0
    return folder / "bundle.om"


class Buffers:
    """What the sample says to prepare: datasets of device memory."""

    def __init__(self, acl: Any) -> None:
        self._acl = acl

    def of(self, *values: Any) -> int:
        acl, dataset = self._acl, self._acl.mdl.create_dataset()
        for value in values:
            data = value.tobytes()
            address, ret = acl.rt.malloc(len(data), NORMAL)
            assert ret == 0
            pointer = acl.util.bytes_to_ptr(data)
            assert acl.rt.memcpy(address, len(data), pointer, len(data), TO_DEVICE) == 0
            buffer = acl.create_data_buffer(address, len(data))
            assert acl.mdl.add_dataset_buffer(dataset, buffer)[1] == 0
        return dataset

    def values(self, dataset: int) -> Any:
        acl, found = self._acl, np.empty(SHAPE, np.float32)
        address = acl.get_data_buffer_addr(acl.mdl.get_dataset_buffer(dataset, 0))
        pointer, kept = acl.util.numpy_contiguous_to_ptr(found)
        assert acl.rt.memcpy(pointer, kept.nbytes, address, kept.nbytes, FROM_DEVICE) == 0
        return kept


@pytest.mark.parametrize("unload", ["unload", "bundle_unload"])
def test_the_sample_runs_up_to_its_wrong_last_step(
    unload: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acl, generator = build(), np.random.default_rng(0)
    kept, old, new, x = (generator.standard_normal(SHAPE, np.float32) for _ in range(4))
    _bundle(tmp_path, kept, old)
    monkeypatch.chdir(tmp_path)
    buffers = Buffers(acl)
    names: dict[str, Any] = {
        "acl": acl, "config_path": "", "device_id": 0, "data_type": FLOAT, "format": ND,
    }  # fmt: skip
    codes: list[int] = []
    answers: list[Any] = []
    statements = STATEMENT.findall(TEXTS[0].read_text())
    assert len(statements) == 22
    for statement in statements:
        changed = statement.replace("mdl.unload(", f"mdl.{unload}(")
        exec(changed, names)
        if "rt.set_device" in statement:  # from here on there is a device to prepare buffers on
            zero = np.zeros(SHAPE, np.float32)
            names |= {
                "init_mdl_input": buffers.of(), "init_mdl_output": buffers.of(),
                "infer_mdl_input": buffers.of(x), "infer_mdl_output": buffers.of(zero),
                "update_mdl_input": buffers.of(zero, new), "update_mdl_output": buffers.of(),
            }  # fmt: skip
        if "execute(infer_id" in statement:
            answers.append(buffers.values(names["infer_mdl_output"]))
        if "ret" in statement.split(" = ")[0]:
            codes.append(names["ret"])
    before, after = answers
    np.testing.assert_array_equal(before, x * old + kept)
    np.testing.assert_array_equal(after, x * new + kept)
    *others, last, _, _ = codes
    assert set(others) == {0}
    assert last == (0 if unload == "bundle_unload" else 145003)
