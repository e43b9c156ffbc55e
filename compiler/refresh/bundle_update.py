"""A bundle that begins with other weights: laid out as the compiler would lay it out anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from compiler.errors import UserError
from compiler.om import contract
from compiler.om.attributes import set_attribute
from compiler.om.buffers import Blob, Held
from compiler.om.constants import CONST_TYPES
from compiler.om.contract import MANIFEST_NAME
from compiler.om.encode import encode_message
from compiler.om.ge_ir_pb2 import ModelDef, OpDef
from compiler.om.manifest import Manifest, RefreshableWeight
from compiler.om.partitions import PartitionType
from compiler.om.task_pb2 import ModelTaskDef
from compiler.om.weights import Constant, place_weights, plan_weights
from compiler.om.writer import Partition, lay_out_bundle, lay_out_file
from compiler.refresh.bundle_weights import (
    BundleFile,
    assigned_constants,
    definition,
    producers,
    value_of,
)
from compiler.refresh.new_values import new_values
from compiler.safetensors import TensorRef
from compiler.weights import Weight
from compiler.weights.digests import all_sha256


def updated_bundle(
    file: BundleFile, weights: Mapping[str, TensorRef[Weight]], digests: Mapping[str, str]
) -> Blob:
    """The bundle with other initial values for some weights, by ONNX name, with their digests.

    All else stays as it is. UserError for a weight whose initial value the file does not hold.
    """
    if file.init is None:
        raise UserError(
            f"{file.path} holds no weights: it was compiled without its initialisation graph, "
            "and takes them at run time only"
        )
    init = _Initialisation(file, file.init)
    values = new_values(file, weights)
    init.check(values)
    hashed = all_sha256(values.values())
    own = {variable: hashed[value].hex() for variable, value in values.items()}
    manifest = Manifest(tuple(_begun_with(digests, own, w) for w in file.manifest.weights))
    models: list[Blob] = []
    for index, model in enumerate(file.bundle.models):
        changed: dict[int, Blob] = {}
        if MANIFEST_NAME in (message := definition(model)).attr:
            new = ModelDef()
            new.CopyFrom(message)
            set_attribute(new.attr[MANIFEST_NAME], manifest.to_json())
            changed[PartitionType.MODEL_DEF] = Held(encode_message(new))
        if index == file.init:
            changed |= init.changed(values)
        models.append(_with(file, index, changed) if changed else file.range_of(index))
    return lay_out_bundle(file.bundle.var_size, models)


def _begun_with(
    digests: Mapping[str, str], own: Mapping[str, str], weight: RefreshableWeight
) -> RefreshableWeight:
    """A weight with the digests of its tensors, by ONNX name, and its own, by variable."""
    sources = tuple(
        replace(source, sha256=digests.get(source.onnx, source.sha256)) for source in weight.sources
    )
    return replace(weight, sources=sources, sha256=own.get(weight.variable, weight.sha256))


def _with(file: BundleFile, index: int, changed: Mapping[int, Blob]) -> Blob:
    """A model of the bundle with some partitions replaced."""
    model = file.bundle.models[index]
    partitions = [
        Partition(entry.type, changed.get(entry.type) or file.part(index, entry.type))
        for entry in model.root.table
    ]
    return lay_out_file(model.header, [partitions])


@dataclass(frozen=True)
class _Initialisation:
    """The model that assigns constants to variables: each has its node, and its name in ONNX."""

    file: BundleFile
    index: int

    def __post_init__(self) -> None:
        model = self.file.bundle.models[self.index]
        if len(model.submodels) != 1 or model.header.is_dynamic:
            raise UserError(f"{self.file.path}: its initialisation graph has open shapes")

    def check(self, values: Mapping[str, Weight]) -> None:
        """UserError for the value of a variable that is not a constant of this model."""
        names = {weight.variable: weight.onnx for weight in self.file.manifest.weights}
        constants = assigned_constants(self._definition)
        for variable in values:
            node = constants.get(variable)
            if node is None or node.type not in CONST_TYPES:
                raise UserError(
                    f"{self.file.path}: weight '{names[variable]}' is in a file of its own: apply "
                    "the pack to the ONNX model and compile that, or update the bundle when it is "
                    "loaded"
                )

    def changed(self, new: Mapping[str, Weight]) -> dict[int, Blob]:
        """The partitions that differ, by type, with new values of variables."""
        model = ModelDef()
        model.CopyFrom(self._definition)
        tasks = ModelTaskDef()
        tasks.CopyFrom(self.file.bundle.models[self.index].root.task_def)
        values = self._values(new)
        hashed = all_sha256(values.values())
        plan = plan_weights(Constant(v.length, hashed[v]) for v in values.values())
        _move(model, tasks, dict(zip(values, plan.offsets, strict=True)))
        tasks.weight_size = plan.total
        set_attribute(model.attr["weight_size"], plan.total)
        changed: dict[int, Blob] = {
            PartitionType.WEIGHTS_DATA: place_weights(plan, list(values.values())),
            PartitionType.TASK_INFO: Held(encode_message(tasks)),
        }
        _list_sizes(model, changed)
        return changed | {PartitionType.MODEL_DEF: Held(encode_message(model))}

    @property
    def _definition(self) -> ModelDef:
        return definition(self.file.bundle.models[self.index])

    def _values(self, new: Mapping[str, Weight]) -> dict[str, Weight]:
        """The value of every constant of the graph, by its node, in the order of the graph."""
        assigned = assigned_constants(self._definition)
        by_node = {node.name: new.get(variable) for variable, node in assigned.items()}
        partition = self.file.part(self.index, PartitionType.WEIGHTS_DATA)
        return {
            op.name: by_node.get(op.name) or value_of(op, partition)
            for op in _constants(self._definition)
        }


def _list_sizes(model: ModelDef, changed: Mapping[int, Blob]) -> None:
    """Let the model say the sizes of partitions that have changed, where it lists any."""
    if contract.LISTED_NAME not in model.attr:
        return
    sizes = model.attr[contract.LISTED_NAME].list.i
    for place, type_ in enumerate(contract.LISTED_SIZES[: len(sizes)]):
        if type_ in changed:
            sizes[place] = changed[type_].length


def _constants(model: ModelDef) -> list[OpDef]:
    return [op for graph in model.graph for op in graph.op if op.type in CONST_TYPES]


def _move(model: ModelDef, tasks: ModelTaskDef, offsets: Mapping[str, int]) -> None:
    """Let constants lie elsewhere in the weights: for their nodes, their readers and the tasks."""
    base = model.attr[contract.WEIGHT_BASE_NAME].i
    arguments = {task.kernel.context.op_index: task.kernel for task in tasks.task}
    for op in model.graph[0].op:
        if op.name in offsets:
            op.output_i[0] = op.attr["value"].t.desc.data_offset = offsets[op.name]
        for place, source in enumerate(producers(op)):
            if source not in offsets:
                continue
            op.input_desc[place].data_offset = op.input_i[place] = offsets[source]
            if (kernel := arguments.get(op.id)) is not None:
                addresses = list(contract.unpack_addresses(kernel.args))
                addresses[place] = base + offsets[source]
                kernel.args = contract.pack_addresses(addresses)
