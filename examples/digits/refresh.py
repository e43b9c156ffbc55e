# pyright: basic, reportMissingImports=false
"""Classify digits with a bundle, change its weights while it is loaded, classify again.

A plain pyACL program: on a machine with an NPU it runs as it is, without one through
`python -m runtime.acl examples/digits/refresh.py BUNDLE.om`. (pyACL has no type stubs.)
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import acl
import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

HERE = Path(__file__).parent
BATCH = 36
LEFT_ALONE = "conv1.weight"  # equal in both checkpoints: an empty tensor leaves it as it is
HOST_TO_DEVICE, DEVICE_TO_HOST, NORMAL_ONLY, ND, FLOAT = 1, 2, 2, 2, 0


def check(name, ret):
    """Stop with the runtime's own words when a call fails."""
    if ret != 0:
        sys.exit(f"{name} returned {ret}: {acl.get_recent_err_msg()}")


def value(name, result):
    """The value of a (value, ret) pair."""
    got, ret = result
    check(name, ret)
    return got


def device_copy(array):
    """A device buffer that holds the array's bytes; an empty array still gets a valid address."""
    data = np.ascontiguousarray(array).tobytes()
    size = max(len(data), 32)
    pointer = value("malloc", acl.rt.malloc(size, NORMAL_ONLY))
    host = acl.util.bytes_to_ptr(data)
    check("memcpy", acl.rt.memcpy(pointer, size, host, len(data), HOST_TO_DEVICE))
    return pointer, size


def dataset(buffers):
    """A dataset of device buffers given as (pointer, size)."""
    made = acl.mdl.create_dataset()
    for pointer, size in buffers:
        buffer = acl.create_data_buffer(pointer, size)
        value("add_dataset_buffer", acl.mdl.add_dataset_buffer(made, buffer))
    return made


def destroy(made):
    """Free a dataset with its buffers and their memory."""
    for i in range(acl.mdl.get_dataset_num_buffers(made)):
        buffer = acl.mdl.get_dataset_buffer(made, i)
        check("free", acl.rt.free(acl.get_data_buffer_addr(buffer)))
        check("destroy_data_buffer", acl.destroy_data_buffer(buffer))
    check("destroy_dataset", acl.mdl.destroy_dataset(made))


def describe(model_id):
    """The description of a loaded model."""
    desc = acl.mdl.create_desc()
    check("get_desc", acl.mdl.get_desc(desc, model_id))
    return desc


def classify(model_id, images):
    """The most probable digit of each image, one batch after the other."""
    desc = describe(model_id)
    out_size = acl.mdl.get_output_size_by_index(desc, 0)
    digits = []
    for start in range(0, len(images), BATCH):
        inputs = dataset([device_copy(images[start : start + BATCH])])
        output = value("malloc", acl.rt.malloc(out_size, NORMAL_ONLY))
        outputs = dataset([(output, out_size)])
        check("execute", acl.mdl.execute(model_id, inputs, outputs))
        host = bytes(out_size)
        pointer = acl.util.bytes_to_ptr(host)
        check("memcpy", acl.rt.memcpy(pointer, out_size, output, out_size, DEVICE_TO_HOST))
        digits.append(np.frombuffer(host, np.float32).reshape(BATCH, 10).argmax(axis=1))
        destroy(inputs)
        destroy(outputs)
    check("destroy_desc", acl.mdl.destroy_desc(desc))
    return np.concatenate(digits)


def initialise(model_id):
    """Run the initialisation graph: no inputs, no outputs."""
    inputs, outputs = dataset([]), dataset([])
    check("execute", acl.mdl.execute(model_id, inputs, outputs))
    destroy(inputs)
    destroy(outputs)


def update(model_id, weights):
    """Send each weight to the input of its name, and an empty tensor to the one left alone."""
    desc = describe(model_id)
    arrays = []
    for i in range(acl.mdl.get_num_inputs(desc)):
        name = acl.mdl.get_input_name_by_index(desc, i)
        weight = re.sub(r"_Initializer_\d+_var_data$", "", name)
        arrays.append(weights[weight] if weight != LEFT_ALONE else np.empty(0, np.float32))
    inputs, outputs = dataset([device_copy(array) for array in arrays]), dataset([])
    for i, array in enumerate(arrays):
        tensor = acl.create_tensor_desc(FLOAT, list(array.shape), ND)
        value("set_dataset_tensor_desc", acl.mdl.set_dataset_tensor_desc(inputs, tensor, i))
        acl.destroy_tensor_desc(tensor)
    check("execute", acl.mdl.execute(model_id, inputs, outputs))
    destroy(inputs)
    destroy(outputs)
    check("destroy_desc", acl.mdl.destroy_desc(desc))


def expected(model, images):
    """What ONNX Runtime says the digits are."""
    session = onnxruntime.InferenceSession(str(HERE / model), providers=["CPUExecutionProvider"])
    batches = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]
    outputs = [np.asarray(session.run(None, {"image": b})[0]) for b in batches]
    return np.concatenate(outputs).argmax(axis=1)


def report(title, digits, reference, labels):
    """Print both accuracies and whether the predictions agree; how many do."""
    ours, theirs = (digits == labels).mean(), (reference == labels).mean()
    same = int((digits == reference).sum())
    print(
        f"{title:<26}{ours:>8.1%}   ONNX Runtime {theirs:>6.1%}   "
        f"equal predictions {same} of {len(labels)}"
    )
    return ours, same == len(labels)


def main(path):
    """Load, initialise, classify, update, classify, unload."""
    held_out = np.load(HERE / "heldout.npz")
    images, labels = held_out["images"], held_out["labels"]
    better = onnx.load(HERE / "better.onnx").graph.initializer
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in better}

    check("init", acl.init())
    check("set_device", acl.rt.set_device(0))
    bundle = value("bundle_load_from_file", acl.mdl.bundle_load_from_file(path))
    infer, init, refresh = (
        value("bundle_get_model_id", acl.mdl.bundle_get_model_id(bundle, i)) for i in range(3)
    )
    initialise(init)
    first = report("as compiled", classify(infer, images), expected("model.onnx", images), labels)
    update(refresh, weights)
    second = report(
        "after the weight update", classify(infer, images), expected("better.onnx", images), labels
    )
    check("bundle_unload", acl.mdl.bundle_unload(bundle))
    check("reset_device", acl.rt.reset_device(0))
    check("finalize", acl.finalize())
    if not (first[1] and second[1] and second[0] > first[0] + 0.05):
        sys.exit("the predictions are not those of ONNX Runtime, or the update did not help")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: refresh.py BUNDLE.om (a bundle of three graphs, as demo.sh compiles)")
    main(sys.argv[1])
