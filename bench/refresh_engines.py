"""Engines whose weights change: a model loaded, a way to infer, a way to change weights.

All have two threads and compute in float32.
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
from bench.refresh_models import Model, Weights, bundle_of

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


@dataclass(frozen=True, slots=True)
class Setting:
    """What an engine is made of: a model, its first weights, an input, the names of the weights
    that will change, and a folder of files, which engines share.
    """

    model: Model
    weights: Weights
    x: Array
    names: Names
    folder: Path

    def fixed(self) -> Path:
        """The model with its weights in a file."""
        return self._written("fixed.onnx")

    def with_inputs(self) -> Path:
        """The model in which the weights that will change are inputs."""
        return self._written("inputs.onnx", self.names)

    def _written(self, name: str, as_inputs: Names = ()) -> Path:
        path = self.folder / name
        if not path.exists():
            self.model.onnx(self.weights, path, as_inputs=as_inputs, external=True)
        return path


Make = Callable[[Setting], Engine]


def _bundle(given: Setting) -> Any:
    from runtime.refresh import Bundle

    path = given.folder / "bundle.om"
    return Bundle.load(path if path.exists() else bundle_of(given.fixed(), tuple(given.weights)))


def ours(given: Setting) -> Engine:
    """An update of a serving bundle, which copies the arrays."""
    bundle = _bundle(given)
    return Engine("ours", _inference(bundle, given.x), bundle.update)


def ours_lent(given: Setting) -> Engine:
    """The same with the arrays where they are."""
    bundle = _bundle(given)
    return Engine("lent", _inference(bundle, given.x), lambda new: bundle.update(new, copy=False))


def _inference(bundle: Any, x: Array) -> Callable[[], Any]:
    return lambda: next(iter(bundle.infer({"x": x}).values()))


def _kept(given: Setting) -> Any:
    """A bundle with a second version beside that it was compiled with."""
    bundle = _bundle(given)
    bundle.update({name: -given.weights[name] for name in given.names}, "other")
    bundle.activate("compiled")
    return bundle


def ours_activate(given: Setting) -> Engine:
    """A version that is kept becomes active."""
    bundle = _kept(given)

    def change(new: Weights) -> None:
        bundle.activate("other" if bundle.version == "compiled" else "compiled")

    return Engine("activate", _inference(bundle, given.x), change)


def ours_rollback(given: Setting) -> Engine:
    """The version before becomes active; it is left again behind the inference that sees it."""
    bundle = _kept(given)
    for number in range(1000):
        bundle.activate("other" if number % 2 else "compiled")
    return Engine("rollback", _inference(bundle, given.x), lambda new: bundle.rollback())


def _ort(path: Path, options: Any = None) -> Any:
    import onnxruntime

    options = options or onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = THREADS
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def ort_session(given: Setting) -> Engine:
    """A new session, which gets the initializers that change from memory."""
    import onnxruntime

    path = given.fixed()
    holder = [_ort(path)]

    def change(new: Weights) -> None:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(weight) for weight in new.values()]
        options = onnxruntime.SessionOptions()
        options.add_external_initializers(list(new), values)
        holder[0] = _ort(path, options)

    return Engine("ort", lambda: holder[0].run(None, {"x": given.x})[0], change)


def ort_inputs(given: Setting) -> Engine:
    """Weights that are inputs of the model: bound, not copied."""
    fixed, session = _ort(given.fixed()), _ort(given.with_inputs())
    binding = session.io_binding()
    binding.bind_cpu_input("x", given.x)
    binding.bind_output("y")
    bound: list[Weights] = []

    def change(new: Weights) -> None:
        for name, weight in new.items():
            binding.bind_cpu_input(name, weight)
        bound[:] = [new]

    def infer() -> Any:
        session.run_with_iobinding(binding)
        return binding.copy_outputs_to_cpu()[0]

    change({name: given.weights[name] for name in given.names})
    return Engine("ort inputs", infer, change, lambda: fixed.run(None, {"x": given.x})[0])


_OPENVINO = {"INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32"}


def _request(core: Any, model: Any) -> Any:
    return core.compile_model(model, "CPU", _OPENVINO).create_infer_request()


def _result(request: Any, x: Array) -> Array:
    request.infer({"x": x})
    return np.array(request.get_output_tensor(0).data)


def openvino_compile(given: Setting) -> Engine:
    """Other constants in the model in memory, and compiled again."""
    import openvino as ov

    core: Any = ov.Core()
    source = core.read_model(str(given.fixed()))
    holder = [_request(core, source)]

    def change(new: Weights) -> None:
        constants = {
            op.get_friendly_name(): op
            for op in source.get_ops()
            if op.get_type_name() == "Constant" and op.get_friendly_name() in new
        }
        for name, weight in new.items():
            constant = ov.op.Constant(weight, shared_memory=True)
            constant.set_friendly_name(name)
            constants[name].output(0).replace(constant.output(0))
        holder[0] = _request(core, source)

    return Engine("openvino", lambda: _result(holder[0], given.x), change)


def openvino_inputs(given: Setting) -> Engine:
    """Weights that are inputs of the model: set, not copied."""
    import openvino as ov

    core: Any = ov.Core()
    fixed = _request(core, core.read_model(str(given.fixed())))
    request = _request(core, core.read_model(str(given.with_inputs())))
    x = given.x
    kept: list[Any] = []

    def change(new: Weights) -> None:
        tensors = {name: ov.Tensor(weight, shared_memory=True) for name, weight in new.items()}
        for name, tensor in tensors.items():
            request.set_tensor(name, tensor)
        kept[:] = [new, tensors]

    change({name: given.weights[name] for name in given.names})
    return Engine("openvino inputs", lambda: _result(request, x), change, lambda: _result(fixed, x))


def iree_parameters(given: Setting) -> Engine:
    """A context of its own for new parameters from memory; the program stays compiled."""
    import iree.runtime as rt

    base = given.folder / "iree"
    compile_for_iree(given.fixed(), str(base))
    config = rt.Config("local-task")
    index = rt.ParameterIndex()
    index.load(f"{base}.irpa")
    first: dict[str, Any] = dict(index.items())
    holder: list[Any] = []

    def change(new: Weights) -> None:
        changed = rt.ParameterIndex()
        for name, entry in first.items():
            if name in new:
                changed.add_buffer(name, new[name])
            elif entry.is_splat:
                changed.add_splat(name, entry.splat_pattern, entry.length)
            else:
                handle, offset = entry.file_storage
                changed.add_from_file_handle(name, handle, entry.length, offset)
        holder[:] = [_iree_function(rt, config, changed, f"{base}.vmfb"), changed, new]

    change({})

    def infer() -> Any:
        result = holder[0](given.x)
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
