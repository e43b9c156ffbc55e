"""One inference engine in a process of its own: `python -m bench.engines ENGINE MODEL COUNT`.

Prints the seconds of each inference behind the first, and writes its first output beside the
model. All have two threads and compute in float32.
"""

# pyright: reportMissingImports=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportUnknownLambdaType=false

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

THREADS = 2

Run = Callable[[], Any]
Inputs = dict[str, Any]


def ours(model: Path, inputs: Inputs) -> Run:
    """The simulated device's operator engine, on a model in its own types."""
    from conformance.compiled import compiled

    loaded = compiled(model, model.with_suffix(""))
    return lambda: loaded.taken(list(inputs.values()), lambda outputs: outputs[0])


def onnx_runtime(model: Path, inputs: Inputs) -> Run:
    """ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = THREADS
    session: Any = onnxruntime.InferenceSession(str(model), options)
    return lambda: session.run(None, inputs)[0]


def openvino(model: Path, inputs: Inputs) -> Run:
    """OpenVINO on the CPU."""
    import openvino as ov

    core: Any = ov.Core()
    options = {"INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32"}
    compiled: Any = core.compile_model(core.read_model(str(model)), "CPU", options)
    request: Any = compiled.create_infer_request()
    return lambda: request.infer(inputs)[compiled.output(0)]


def reference(model: Path, inputs: Inputs) -> Run:
    """onnx's reference implementation."""
    from onnx.reference import ReferenceEvaluator

    evaluator: Any = ReferenceEvaluator(str(model))
    return lambda: evaluator.run(None, inputs)[0]


def iree(model: Path, inputs: Inputs) -> Run:
    """IREE compiled for this CPU."""
    import iree.runtime as rt

    base = str(model.with_suffix(""))
    if not Path(f"{base}.vmfb").exists():
        compile_for_iree(model, base)
    config = rt.Config("local-task")
    index = rt.ParameterIndex()
    index.load(f"{base}.irpa")
    provider = rt.create_io_parameters_module(
        config.vm_instance, index.create_provider(scope="model")
    )
    program = rt.VmModule.mmap(config.vm_instance, f"{base}.vmfb")
    modules = [provider, rt.create_hal_module(config.vm_instance, config.device), program]
    context = rt.SystemContext(vm_modules=modules, config=config)
    functions = [n for n in program.function_names if not n.startswith("__") and "$" not in n]
    function = context.modules[program.name][functions[0]]

    def run() -> Any:
        result = function(*inputs.values())
        return (result[0] if isinstance(result, tuple | list) else result).to_host()

    return run


def compile_for_iree(model: Path, base: str) -> None:
    """Write BASE.vmfb, a program for this CPU, and BASE.irpa, its weights."""
    tools = Path(sys.executable).parent
    importing = [f"{tools}/iree-import-onnx", str(model), "-o", f"{base}.mlir"]
    parameters = ["--externalize-params", f"--save-params-to={base}.irpa"]
    subprocess.run([*importing, *parameters], check=True, capture_output=True)
    target = [
        "--iree-hal-target-device=local",
        "--iree-hal-local-target-device-backends=llvm-cpu",
        "--iree-llvmcpu-target-cpu=host",
    ]
    compiling = [f"{tools}/iree-compile", f"{base}.mlir", "-o", f"{base}.vmfb"]
    subprocess.run([*compiling, *target], check=True, capture_output=True)


ENGINES = {
    "ours": ours,
    "ONNX Runtime": onnx_runtime,
    "OpenVINO": openvino,
    "IREE": iree,
    "reference": reference,
}


def main(engine: str, path: str, count: str) -> None:
    """Run the model once, and then as often as asked."""
    import numpy as np

    from bench.real_models import inputs

    run = ENGINES[engine](Path(path), inputs(Path(path)))
    np.save(Path(path).with_suffix(f".{engine.replace(' ', '')}.npy"), np.asarray(run()))
    for _ in range(int(count)):
        start = time.perf_counter()
        run()
        print(time.perf_counter() - start)


if __name__ == "__main__":
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(THREADS)
    main(*sys.argv[1:])
