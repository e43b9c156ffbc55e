"""Offline models and bundles: the container, the decompiling frontend, the device's loader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from zlib import crc32

from google.protobuf.message import DecodeError, EncodeError, Message
from xdsl.utils.exceptions import VerifyException

from compiler.errors import UserError
from compiler.frontends.om import import_om
from compiler.om.buffers import Held, joined_bytes
from compiler.om.bundle import Bundle, read_bundle
from compiler.om.contract import REFERENCE_NAME
from compiler.om.errors import OMError
from compiler.om.ge_ir_pb2 import ModelDef
from compiler.om.header import HEADER_SIZE, ModelType, unpack_header
from compiler.om.partitions import PartitionType
from compiler.om.reader import read_om
from compiler.om.task_pb2 import ModelTaskDef
from compiler.om.writer import Partition, lay_out_bundle
from compiler.refresh.bundle_weights import read_bundle_file
from compiler.targets.text import text_of
from fuzz.messages import MessageMutator
from fuzz.noise import damaged, integer
from fuzz.om_seeds import Parts, laid_out, om_seeds, parts_of
from fuzz.reader import Reader
from runtime.device import Memory
from runtime.errors import AclError
from runtime.model_registry import Models
from runtime.settings import Verify

MESSAGES: dict[int, type[Message]] = {
    PartitionType.MODEL_DEF: ModelDef,
    PartitionType.TASK_INFO: ModelTaskDef,
}
CHOSEN = {PartitionType.MODEL_DEF: 12, PartitionType.TASK_INFO: 3, PartitionType.WEIGHTS_DATA: 0.2}
"""How often a partition is changed, beside the others' once."""
PRINTED = 8
"""One file of so many is printed when it is read: that takes longer than all else."""
DEVICE_BYTES = 16 << 20
"""Memory of the simulated device: what a model asks for beyond it is refused."""


class OMFormat:
    """Mutates headers, tables, partitions and messages, each by itself or as bytes."""

    file = "input.om"

    def __init__(self, folder: Path) -> None:
        self.seeds = om_seeds(folder)
        models = [parts for seed in self.seeds for parts in _every_model(seed)]
        self.mutators = {
            type_: MessageMutator(
                kind.FromString(_bytes(part))
                for parts in models
                for part in parts
                if part.type == type_
            )
            for type_, kind in MESSAGES.items()
        }
        self.models = models
        self.readers = (
            Reader("container", read_container, (OMError,)),
            Reader("frontend", decompile, (UserError, VerifyException), every=3),
            Reader("loader", load, (AclError,), every=3),
            Reader("manifest", manifest, (UserError,), every=8),
        )

    def tolerates(self, data: bytes, touched: str) -> bool:
        """A model may name any file as where its weights are: such a reference has a digest."""
        return touched.startswith("opens") and REFERENCE_NAME.encode() in data

    def mutate(self, random: Random, data: bytes) -> bytes:
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            data = self._mutated(random, data)
        return data

    def _mutated(self, random: Random, data: bytes) -> bytes:
        if random.random() < 0.08 or len(data) < HEADER_SIZE:
            return damaged(random, data)
        try:
            if unpack_header(data).modeltype == ModelType.BUNDLE:
                return self._bundle(random, data)
            return self._model(random, data)
        except OMError:
            return damaged(random, data)

    def _bundle(self, random: Random, data: bytes) -> bytes:
        bundle = read_bundle(data)
        models = [bytes(model) for model in bundle.slices]
        kind, size = random.randrange(10), bundle.var_size
        if kind == 0:
            size = integer(random, signed=False)
        elif kind == 1 and models:
            del models[random.randrange(len(models))]
        elif kind == 2 and models:
            models.append(random.choice(models))
        elif models:
            place = random.randrange(len(models))
            models[place] = self._mutated(random, models[place])
        return joined_bytes(lay_out_bundle(size, [Held(model) for model in models]).chunks())

    def _model(self, random: Random, data: bytes) -> bytes:
        header, models = unpack_header(data), parts_of(data)
        kind, parts = random.randrange(20), random.choice(models)
        if kind == 0:
            field, bits = random.choice(NUMBERS)
            header = replace(header, **{field: integer(random, bits, signed=False)})
        elif kind == 1:
            return _with_number_in_table(random, data)
        elif kind == 2:
            self._change_table(random, parts)
        elif kind == 3:
            models.append(random.choice(self.models))
            header = replace(header, model_num=len(models))
        else:
            self._change_part(random, parts)
        return laid_out(header, models)

    def _change_table(self, random: Random, parts: Parts) -> None:
        place = random.randrange(len(parts)) if parts else 0
        if parts and random.random() < 0.3:
            del parts[place]
        elif parts and random.random() < 0.5:
            parts[place] = Partition(random.choice((*range(27), 999)), parts[place].body)
        else:
            parts.insert(place, random.choice(random.choice(self.models)))

    def _change_part(self, random: Random, parts: Parts) -> None:
        if not parts:
            return
        often = [CHOSEN.get(PartitionType(p.type), 1) if p.type < 13 else 1 for p in parts]
        [place] = random.choices(range(len(parts)), often)
        part = parts[place]
        body = self._body(random, part.type, _bytes(part))
        parts[place] = Partition(part.type, Held(body))

    def _body(self, random: Random, type_: int, data: bytes) -> bytes:
        kind = MESSAGES.get(type_)
        if kind is None or random.random() < 0.05:
            return damaged(random, data)
        try:
            message = kind.FromString(data)
            self.mutators[type_].mutate(random, message)
            return message.SerializeToString()
        except (DecodeError, EncodeError, UnicodeError):
            return damaged(random, data)


NUMBERS = (
    *(("magic", 32), ("headsize", 32), ("version", 32), ("length", 32), ("is_encrypt", 8)),
    *(("is_checksum", 8), ("modeltype", 8), ("genmode", 8), ("ops", 32), ("om_ir_version", 32)),
    *(("model_num", 32), ("model_num", 8), ("platform_type", 8), ("need_check_os_cpu_info", 8)),
    *(("is_unknow_model", 8), ("is_unknow_model", 1)),
)
"""Numbers of a header and their bits."""


def _bytes(part: Partition) -> bytes:
    return joined_bytes(part.body.chunks())


def _with_number_in_table(random: Random, data: bytes) -> bytes:
    """Another number in the first table, whose size then says something else than its bodies."""
    result = bytearray(data)
    at = HEADER_SIZE + 4 * random.randrange(24)
    if at + 4 <= len(data):
        result[at : at + 4] = integer(random, 32, signed=False).to_bytes(4, "little")
    return bytes(result)


def _every_model(seed: bytes) -> list[Parts]:
    """The models of a file and of a bundle in it; of none when it is damaged."""
    try:
        if unpack_header(seed.ljust(HEADER_SIZE, b"\0")).modeltype == ModelType.BUNDLE:
            return [parts for inner in read_bundle(seed).slices for parts in parts_of(bytes(inner))]
        return parts_of(seed)
    except OMError:
        return []


def read_container(path: Path) -> None:
    """All that compiler.om parses of a file."""
    file = read_om(str(path))
    for model in file.models if isinstance(file, Bundle) else [file]:
        for part in model.submodels:
            _ = part.model_def, part.task_def, part.weights, part.inout
            _ = part.tbe_kernels, part.cust_aicpu_kernels


def decompile(path: Path) -> None:
    """What `ascend-opt x.om` does."""
    try:
        module = import_om(str(path))
    except VerifyException as error:
        raise AssertionError("the frontend lets an error of the IR through") from error
    module.verify()
    if crc32(path.read_bytes()) % PRINTED == 0:
        text_of(module)


def manifest(path: Path) -> None:
    """The weights of a bundle that can be changed, as `refresh` reads them."""
    file = read_bundle_file(str(path))
    _ = file.weights(), file.layouts()


def load(path: Path) -> None:
    """The device's loader, which leaves nothing behind when it fails, and nothing when unloaded."""
    memory = Memory(DEVICE_BYTES)
    models = Models(memory, verify=Verify.LOAD)
    head = path.read_bytes()[:HEADER_SIZE].ljust(HEADER_SIZE, b"\0")
    is_bundle = unpack_header(head).modeltype == ModelType.BUNDLE
    try:
        (models.load_bundle if is_bundle else models.load)(str(path))
        models.clear()
    except AclError:
        _check_freed(memory)
        raise
    _check_freed(memory)


def _check_freed(memory: Memory) -> None:
    assert not memory.used, f"{memory.used} bytes stay allocated"


def make(folder: Path) -> OMFormat:
    """The format with its files in a folder."""
    return OMFormat(folder)
