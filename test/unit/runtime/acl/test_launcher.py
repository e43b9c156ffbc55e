"""`python -m runtime.acl`: unmodified programs, and the errors of the launcher itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[4]

CLASSIFY = """
import os
import sys

import numpy as np

import acl

ACL_MEM_MALLOC_HUGE_FIRST = 0
ACL_MEMCPY_HOST_TO_DEVICE = 1
ACL_MEMCPY_DEVICE_TO_HOST = 2
ACL_SUCCESS = 0

buffer_method = {
    "in": acl.mdl.get_input_size_by_index,
    "out": acl.mdl.get_output_size_by_index,
}


def check_ret(message, ret):
    if ret != ACL_SUCCESS:
        raise Exception("{} failed ret={}".format(message, ret))


class Net(object):
    def __init__(self, device_id, model_path):
        self.device_id = device_id
        self.input_data, self.output_data = [], []
        ret = acl.init()
        check_ret("acl.init", ret)
        ret = acl.rt.set_device(self.device_id)
        check_ret("acl.rt.set_device", ret)
        self.context, ret = acl.rt.create_context(self.device_id)
        check_ret("acl.rt.create_context", ret)
        self.model_id, ret = acl.mdl.load_from_file(model_path)
        check_ret("acl.mdl.load_from_file", ret)
        self.model_desc = acl.mdl.create_desc()
        ret = acl.mdl.get_desc(self.model_desc, self.model_id)
        check_ret("acl.mdl.get_desc", ret)
        self._malloc(acl.mdl.get_num_inputs(self.model_desc), "in", self.input_data)
        self._malloc(acl.mdl.get_num_outputs(self.model_desc), "out", self.output_data)

    def _malloc(self, count, des, data):
        for i in range(count):
            size = buffer_method[des](self.model_desc, i)
            buffer, ret = acl.rt.malloc(size, ACL_MEM_MALLOC_HUGE_FIRST)
            check_ret("acl.rt.malloc", ret)
            data.append({"buffer": buffer, "size": size})

    def _dataset(self, data):
        dataset = acl.mdl.create_dataset()
        for item in data:
            buffer = acl.create_data_buffer(item["buffer"], item["size"])
            _, ret = acl.mdl.add_dataset_buffer(dataset, buffer)
            check_ret("acl.mdl.add_dataset_buffer", ret)
        return dataset

    def _destroy(self, dataset):
        for i in range(acl.mdl.get_dataset_num_buffers(dataset)):
            data_buf = acl.mdl.get_dataset_buffer(dataset, i)
            if data_buf:
                check_ret("acl.destroy_data_buffer", acl.destroy_data_buffer(data_buf))
        check_ret("acl.mdl.destroy_dataset", acl.mdl.destroy_dataset(dataset))

    def run(self, images):
        for image, item in zip(images, self.input_data):
            if "bytes_to_ptr" in dir(acl.util):
                bytes_data = image.tobytes()
                ptr = acl.util.bytes_to_ptr(bytes_data)
            else:
                ptr = acl.util.numpy_to_ptr(image)
            ret = acl.rt.memcpy(
                item["buffer"], item["size"], ptr, item["size"], ACL_MEMCPY_HOST_TO_DEVICE
            )
            check_ret("acl.rt.memcpy", ret)
        inputs, outputs = self._dataset(self.input_data), self._dataset(self.output_data)
        ret = acl.mdl.execute(self.model_id, inputs, outputs)
        check_ret("acl.mdl.execute", ret)
        self._destroy(inputs)
        self._destroy(outputs)
        return [self._fetch(i) for i in range(len(self.output_data))]

    def _fetch(self, i):
        size = self.output_data[i]["size"]
        host, ret = acl.rt.malloc_host(size)
        check_ret("acl.rt.malloc_host", ret)
        ret = acl.rt.memcpy(
            host, size, self.output_data[i]["buffer"], size, ACL_MEMCPY_DEVICE_TO_HOST
        )
        check_ret("acl.rt.memcpy", ret)
        dims, ret = acl.mdl.get_cur_output_dims(self.model_desc, i)
        check_ret("acl.mdl.get_cur_output_dims", ret)
        bytes_data = acl.util.ptr_to_bytes(host, size)
        result = np.frombuffer(bytes_data, dtype=np.float32).reshape(tuple(dims["dims"]))
        check_ret("acl.rt.free_host", acl.rt.free_host(host))
        return result

    def release(self):
        check_ret("acl.mdl.unload", acl.mdl.unload(self.model_id))
        check_ret("acl.mdl.destroy_desc", acl.mdl.destroy_desc(self.model_desc))
        while self.input_data:
            check_ret("acl.rt.free", acl.rt.free(self.input_data.pop()["buffer"]))
        while self.output_data:
            check_ret("acl.rt.free", acl.rt.free(self.output_data.pop()["buffer"]))
        check_ret("acl.rt.destroy_context", acl.rt.destroy_context(self.context))
        check_ret("acl.rt.reset_device", acl.rt.reset_device(self.device_id))
        check_ret("acl.finalize", acl.finalize())


if __name__ == "__main__":
    net = Net(0, sys.argv[1])
    image = np.load(sys.argv[2])
    vals = net.run([image])[0].flatten()
    for j in vals.argsort()[-1:-4:-1]:
        print("[%d]: %f" % (j, vals[j]))
    print(os.path.basename(sys.path[0]), acl.get_soc_name())
    net.release()
"""


def _launch(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runtime.acl", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _classifier(builder: Any, filters: Any, weights: Any) -> bytes:
    """Conv2D, Relu, MaxPoolV3, ReduceMean, MatMulV2, SoftmaxV2 over [1, 3, 16, 16] float32."""
    f32 = np.float32
    builder.data("image", f32, [1, 3, 16, 16])
    builder.const("filters", filters)
    builder.const("weights", weights)
    builder.const("axes", np.array([2, 3], np.int32))
    strides = {"strides": [1, 1, 2, 2], "data_format": "NCHW"}
    builder.kernel(
        "conv", "Conv2D", ["image", "filters"], (f32, [1, 8, 8, 8]), {**strides, "pads": [1] * 4}
    )
    builder.kernel("relu", "Relu", ["conv"], (f32, [1, 8, 8, 8]))
    builder.kernel(
        "pool", "MaxPoolV3", ["relu"], (f32, [1, 8, 4, 4]), {**strides, "ksize": [1, 1, 2, 2]}
    )
    builder.kernel("mean", "ReduceMean", ["pool", "axes"], (f32, [1, 8]), {"keep_dims": False})
    builder.kernel("logits", "MatMulV2", ["mean", "weights"], (f32, [1, 5]))
    builder.kernel("prob", "SoftmaxV2", ["logits"], (f32, [1, 5]), {"axes": [-1]})
    builder.output("prob")
    return builder.pack()


def _expected(image: Any, filters: Any, weights: Any) -> Any:
    padded = np.pad(image, [(0, 0), (0, 0), (1, 1), (1, 1)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))[:, :, ::2, ::2]
    relu = np.maximum(np.einsum("ncyxij,ocij->noyx", windows, filters), 0)
    pool = relu.reshape(1, 8, 4, 2, 4, 2).max((3, 5))
    logits = pool.mean((2, 3)) @ weights
    return (np.exp(logits) / np.exp(logits).sum()).reshape(-1)


def test_classification_program(tmp_path: Path, static_builder: Callable[..., Any]) -> None:
    rng = np.random.default_rng(5)
    filters = rng.standard_normal((8, 3, 3, 3)).astype(np.float32)
    weights = rng.standard_normal((8, 5)).astype(np.float32)
    image = rng.standard_normal((1, 3, 16, 16)).astype(np.float32)
    (tmp_path / "net.om").write_bytes(_classifier(static_builder("net"), filters, weights))
    np.save(tmp_path / "image.npy", image)
    (tmp_path / "classify.py").write_text(CLASSIFY)
    done = _launch(
        "--soc",
        "Ascend310P3",
        tmp_path / "classify.py",
        tmp_path / "net.om",
        tmp_path / "image.npy",
    )
    assert done.stderr == ""
    *lines, last = done.stdout.splitlines()
    values = _expected(image, filters, weights)
    assert lines == [f"[{place}]: {values[place]:f}" for place in values.argsort()[-1:-4:-1]]
    assert last == f"{tmp_path.name} Ascend310P3"


def test_modules_beside_the_program_are_found(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("import acl.rt\ncount = acl.rt.get_device_count()\n")
    (tmp_path / "main.py").write_text(
        "import sys, beside\nprint(beside.count, sys.argv, __name__)\nsys.exit(3)\n"
    )
    done = _launch(tmp_path / "main.py", "--flag", "x")
    assert done.stdout == f"(1, 0) {[str(tmp_path / 'main.py'), '--flag', 'x']} __main__\n"
    assert done.returncode == 3


def test_errors_of_the_launcher_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("import acl\n")
    for arguments, message in (
        (["none.py"], "runtime.acl: none.py: no such program"),
        (["--soc", "Ascend910B9", str(tmp_path / "main.py")], "Ascend910B9"),
        (["--engine=fast", str(tmp_path / "main.py")], "--engine=fast: the engines are operator"),
    ):
        done = _launch(*arguments)
        assert done.returncode == 1
        assert message in done.stderr
        assert done.stderr.count("\n") == 1


def test_an_unknown_engine_in_the_environment(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("import acl\n")
    done = _launch(tmp_path / "main.py", ASCEND_OPT_ENGINE="fast")
    assert done.returncode == 1
    said = "runtime.acl: ASCEND_OPT_ENGINE=fast: the engines are operator and kernel"
    assert done.stderr.splitlines() == [said]


def test_a_real_acl_is_hidden_only_by_force(tmp_path: Path) -> None:
    real = tmp_path / "site"
    real.mkdir()
    (real / "acl.py").write_text("")
    (tmp_path / "main.py").write_text("import acl\nprint(acl.get_soc_name())\n")
    refused = _launch(tmp_path / "main.py", PYTHONPATH=str(real))
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    assert refused.stderr.count("\n") == 1
    forced = _launch("--force", tmp_path / "main.py", PYTHONPATH=str(real))
    assert forced.stdout == "Ascend910B4\n"
