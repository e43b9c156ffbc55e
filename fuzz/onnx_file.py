"""ONNX models with external data: the frontend, the conversion to GraphEngine, the outline."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from zlib import crc32

import onnx
from google.protobuf.message import DecodeError, EncodeError
from onnx import TensorProto, helper
from xdsl.utils.exceptions import VerifyException

from compiler.context import context
from compiler.conversion.onnx_to_ge import ConvertOnnxToGEPass
from compiler.errors import UserError
from compiler.frontends.onnx import import_model
from compiler.frontends.onnx.outline import read_outline
from compiler.frontends.onnx.walk import tensors_of
from compiler.targets.text import text_of
from fuzz.messages import MessageMutator
from fuzz.noise import TEXTS, damaged, integer
from fuzz.onnx_seeds import DATA_BYTES, onnx_seeds
from fuzz.reader import Reader

PRINTED = 8
"""One file of so many is printed when it is converted: that takes longer than all else."""
KEYS = ("location", "offset", "length", "checksum", "basepath", "other")


class OnnxFormat:
    """Mutates messages of a model, what it says of external data, or its bytes."""

    file = "input.onnx"

    def __init__(self, folder: Path) -> None:
        _put_files(folder)
        self.seeds = onnx_seeds()
        self.mutator = MessageMutator(onnx.ModelProto.FromString(seed) for seed in self.seeds)
        self.readers = (
            Reader("frontend", read, (UserError,)),
            Reader("conversion", convert, (UserError, VerifyException), every=4),
            Reader("outline", outline, (UserError,), every=4),
        )

    def tolerates(self, data: bytes, touched: str) -> bool:
        """Nothing: a model's data is in its own folder."""
        return False

    def mutate(self, random: Random, data: bytes) -> bytes:
        """One to three changes; most leave a message that parses."""
        if random.random() < 0.08:
            return damaged(random, data)
        try:
            model = onnx.ModelProto.FromString(data)
            for _ in range(random.choice((1, 1, 1, 2, 3))):
                self._change(random, model)
            return model.SerializeToString()
        except (DecodeError, EncodeError, UnicodeError):
            return damaged(random, data)

    def _change(self, random: Random, model: onnx.ModelProto) -> None:
        external = [t for t in tensors_of(model) if t.external_data]
        if external and random.random() < 0.3:
            _change_entry(random, random.choice(external))
        elif random.random() < 0.08 and model.graph.node:
            _nest(random, model)
        else:
            self.mutator.mutate(random, model)


def _change_entry(random: Random, tensor: TensorProto) -> None:
    """Another place for a tensor's bytes."""
    key = random.choice(KEYS)
    numbers = (str(random.choice((0, 1, DATA_BYTES - 1, DATA_BYTES))), str(integer(random)))
    value = random.choice((*numbers, random.choice(TEXTS)))
    known = [entry for entry in tensor.external_data if entry.key == key]
    if known and random.random() < 0.8:
        known[0].value = value
    else:
        tensor.external_data.add(key=key, value=value)


def _nest(random: Random, model: onnx.ModelProto) -> None:
    """Puts the graph into a node of its own, perhaps many times over."""
    for _ in range(random.choice((1, 2, 8, 30))):
        inner = onnx.GraphProto()
        inner.CopyFrom(model.graph)
        node = random.choice(model.graph.node)
        node.attribute.append(helper.make_attribute("body", inner))
        if model.ByteSize() > 1 << 14:
            return


def _put_files(folder: Path) -> None:
    """What external data may name: a file, a folder, links, an empty file, a pipe."""
    (folder / "data").write_bytes(bytes(range(256)) * (DATA_BYTES // 256))
    (folder / "empty").touch()
    (folder / "folder").mkdir(exist_ok=True)
    (folder / "folder" / "data").write_bytes(bytes(64))
    (folder.parent / "outside").write_bytes(bytes(DATA_BYTES))
    (folder / "twin").write_bytes(bytes(64))
    for make, source, name in (
        (os.symlink, folder.parent / "outside", "link"),
        (os.link, folder / "twin", "hard"),
    ):
        if not os.path.lexists(folder / name):
            make(source, folder / name)
    if not (folder / "pipe").exists():
        os.mkfifo(folder / "pipe")


def read(path: Path) -> None:
    """The frontend by itself."""
    import_model(str(path))


def convert(path: Path) -> None:
    """What `ascend-opt x.onnx -p convert-onnx-to-ge` does."""
    module = import_model(str(path))
    module.verify()
    ConvertOnnxToGEPass().apply(context(), module)
    module.verify()
    if crc32(path.read_bytes()) % PRINTED == 0:
        text_of(module)


def outline(path: Path) -> None:
    """What `--preflight` reads."""
    from compiler.plugins import preflight

    preflight(read_outline(str(path)))


def make(folder: Path) -> OnnxFormat:
    """The format with its files in a folder."""
    return OnnxFormat(folder)
