"""Engines whose weights change: a model loaded, a way to infer, a way to change weights.

Each is made from a model, its first weights, an input, the names of the weights that will change,
and a folder to work in. All have two threads and compute in float32.
"""

# pyright: reportMissingImports=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.engines import compile_for_iree
from bench.refresh_models import Model, Weights, compiled_bundle

THREADS = 2

Array = npt.NDArray[Any]
Names = tuple[str, ...]


@dataclass(slots=True)
class Engine:
    """An engine at work. `fixed` infers with weights that cannot change, where that is another
    way than `infer`.
    """

    name: str
    infer: Callable[[], Any]
    change: Callable[[Weights], object]
    fixed: Callable[[], Any] | None = None


Make = Callable[[Model, Weights, Array, Names, Path], Engine]


def _bundle(model: Model, weights: Weights, folder: Path) -> Any:
    from runtime.refresh import Bundle

    return Bundle.load(compiled_bundle(model, weights, folder))


def ours(model: Model, weights: Weights, x: Array, names: Names, folder: Path) -> Engine:
    """An update of a serving bundle, which copies the arrays."""
    bundle = _bundle(model, weights, folder)
    return Engine("ours", _inference(bundle, x), bundle.update)


def ours_lent(model: Model, weights: Weights, x: Array, names: Names, folder: Path) -> Engine:
    """The same with the arrays where they are."""
    bundle = _bundle(model, weights, folder)
    return Engine("lent", _inference(bundle, x), lambda given: bundle.update(given, copy=False))


def _inference(bundle: Any, x: Array) -> Callable[[], Any]:
    return lambda: next(iter(bundle.infer({"x": x}).values()))


def _kept(model: Model, weights: Weights, x: Array, names: Names, folder: Path) -> Any:
    """A bundle with a second version beside that it was compiled with."""
    bundle = _bundle(model, weights, folder)
    other = model.draw(np.random.default_rng(7))
    bundle.update({name: other[name] for name in names}, "other")
    bundle.activate("compiled")
    return bundle


def ours_activate(model: Model, weights: Weights, x: Array, names: Names, folder: Path) -> Engine:
    """A version that is kept becomes active."""
    bundle = _kept(model, weights, x, names, folder)

    def change(given: Weights) -> None:
        bundle.activate("other" if bundle.version == "compiled" else "compiled")

    return Engine("activate", _inference(bundle, x), change)


def ours_rollback(model: Model, weights: Weights, x: Array, names: Names, folder: Path) -> Engine:
    """The version before becomes active; it is left again behind the inference that sees it."""
    bundle = _kept(model, weights, x, names, folder)
    for number in range(1000):
        bundle.activate("other" if number % 2 else "compiled")
    return Engine("rollback", _inference(bundle, x), lambda given: bundle.rollback())


def _ort(path: Path, options: Any = None) -> Any:
    import onnxruntime

    options = options or onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = THREADS
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def ort_session(model: Model, weights: Weights, x: Array, names: Names, folder: Path) -> Engine:
    """A new session, which gets the initializers that change from memory."""
    import onnxruntime

    path = model.onnx(weights, folder / "m.onnx", external=True)
    holder = [_ort(path)]

    def change(given: Weights) -> None:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(weight) for weight in given.values()]
        options = onnxruntime.SessionOptions()
        options.add_external_initializers(list(given), values)
        holder[0] = _ort(path, options)

    return Engine("ort", lambda: holder[0].run(None, {"x": x})[0], change)


def ort_inputs(model: Model, weights: Weights, x: Array, names: Names, folder: Path) -> Engine:
    """Weights that are inputs of the model: bound, not copied."""
    fixed = _ort(model.onnx(weights, folder / "f.onnx", external=True))
    session = _ort(model.onnx(weights, folder / "m.onnx", as_inputs=names, external=True))
    binding = session.io_binding()
    binding.bind_cpu_input("x", x)
    binding.bind_output("y")
    bound: list[Weights] = []

    def change(given: Weights) -> None:
        for name, weight in given.items():
            binding.bind_cpu_input(name, weight)
        bound[:] = [given]

    def infer() -> Any:
        session.run_with_iobinding(binding)
        return binding.copy_outputs_to_cpu()[0]

    change({name: weights[name] for name in names})
    return Engine("ort inputs", infer, change, lambda: fixed.run(None, {"x": x})[0])


_OPENVINO = {"INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32"}


def _request(core: Any, model: Any) -> Any:
    return core.compile_model(model, "CPU", _OPENVINO).create_infer_request()


def _result(request: Any, x: Array) -> Array:
    request.infer({"x": x})
    return np.array(request.get_output_tensor(0).data)


def openvino_compile(
    model: Model, weights: Weights, x: Array, names: Names, folder: Path
) -> Engine:
    """Other constants in the model in memory, and compiled again."""
    import openvino as ov

    core: Any = ov.Core()
    source = core.read_model(str(model.onnx(weights, folder / "m.onnx", external=True)))
    holder = [_request(core, source)]

    def change(given: Weights) -> None:
        constants = {
            op.get_friendly_name(): op
            for op in source.get_ops()
            if op.get_type_name() == "Constant" and op.get_friendly_name() in given
        }
        for name, weight in given.items():
            constant = ov.op.Constant(weight, shared_memory=True)
            constant.set_friendly_name(name)
            constants[name].output(0).replace(constant.output(0))
        holder[0] = _request(core, source)

    return Engine("openvino", lambda: _result(holder[0], x), change)


def openvino_inputs(model: Model, weights: Weights, x: Array, names: Names, folder: Path) -> Engine:
    """Weights that are inputs of the model: set, not copied."""
    import openvino as ov

    core: Any = ov.Core()
    path = model.onnx(weights, folder / "f.onnx", external=True)
    fixed = _request(core, core.read_model(str(path)))
    path = model.onnx(weights, folder / "m.onnx", as_inputs=names, external=True)
    request = _request(core, core.read_model(str(path)))
    kept: list[Any] = []

    def change(given: Weights) -> None:
        tensors = {name: ov.Tensor(weight, shared_memory=True) for name, weight in given.items()}
        for name, tensor in tensors.items():
            request.set_tensor(name, tensor)
        kept[:] = [given, tensors]

    change({name: weights[name] for name in names})
    return Engine("openvino inputs", lambda: _result(request, x), change, lambda: _result(fixed, x))


def iree_parameters(model: Model, weights: Weights, x: Array, names: Names, folder: Path) -> Engine:
    """A context of its own for new parameters from memory; the program stays compiled."""
    import iree.runtime as rt

    base = folder / "m"
    compile_for_iree(model.onnx(weights, folder / "m.onnx"), str(base))
    config = rt.Config("local-task")
    index = rt.ParameterIndex()
    index.load(f"{base}.irpa")
    first: dict[str, Any] = dict(index.items())
    holder: list[Any] = []

    def change(given: Weights) -> None:
        changed = rt.ParameterIndex()
        for name, entry in first.items():
            if name in given:
                changed.add_buffer(name, given[name])
            elif entry.is_splat:
                changed.add_splat(name, entry.splat_pattern, entry.length)
            else:
                handle, offset = entry.file_storage
                changed.add_from_file_handle(name, handle, entry.length, offset)
        holder[:] = [_iree_function(rt, config, changed, f"{base}.vmfb"), changed, given]

    change({})

    def infer() -> Any:
        result = holder[0](x)
        return (result[0] if isinstance(result, tuple | list) else result).to_host()

    return Engine("iree", infer, change)


def _iree_function(rt: Any, config: Any, index: Any, program: str) -> Any:
    parameters = rt.create_io_parameters_module(
        config.vm_instance, index.create_provider(scope="model")
    )
    module = rt.VmModule.mmap(config.vm_instance, program)
    modules = [parameters, rt.create_hal_module(config.vm_instance, config.device), module]
    context = rt.SystemContext(vm_modules=modules, config=config)
    functions = [n for n in module.function_names if not n.startswith("__") and "$" not in n]
    return context.modules[module.name][functions[0]]


ENGINES: dict[str, Make] = {
    "ours": ours,
    "ours, lent arrays": ours_lent,
    "ours, activate": ours_activate,
    "ours, rollback": ours_rollback,
    "ONNX Runtime, new session": ort_session,
    "ONNX Runtime, weights as inputs": ort_inputs,
    "OpenVINO, recompile": openvino_compile,
    "OpenVINO, weights as inputs": openvino_inputs,
    "IREE, parameter reload": iree_parameters,
}
