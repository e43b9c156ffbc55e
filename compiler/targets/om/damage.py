"""Whether the weight files of a model that was read are what it says: damage is not copied."""

from __future__ import annotations

from pathlib import Path

from xdsl.dialects.builtin import ModuleOp, StringAttr

from compiler.constants import weight_of
from compiler.errors import UserError
from compiler.om.contract import HASH_NAME, LOCATION_NAME, REFERENCE_NAME
from compiler.om.external import named_digest
from compiler.weights.digests import all_sha256, ge_text
from dialects.ge import FileConstantOp
from dialects.weights import FileAttr


def check_weight_files(module: ModuleOp) -> None:
    """UserError for a weight in a weight file already whose bytes have not the hash it is given.

    Weights of other files have got their hash from the bytes themselves, a moment ago.
    """
    nodes = [node for node in module.walk() if isinstance(node, FileConstantOp)]
    expected = {node: _digest(node) for node in nodes if _is_in_weight_file(node)}
    digests = all_sha256(weight_of(node.value) for node, digest in expected.items() if digest)
    for node, digest in expected.items():
        weight = weight_of(node.value)
        found = ge_text(digests[weight]) if digest else digest
        if found != digest:
            assert isinstance(node.value, FileAttr)
            raise UserError(
                f"constant '{node.label}': its bytes in {node.value.path.data} have hash {found}, "
                f"not {digest}: they are not copied"
            )


def _is_in_weight_file(node: FileConstantOp) -> bool:
    value, location = node.value, node.attributes.get(LOCATION_NAME)
    return (
        isinstance(value, FileAttr)
        and REFERENCE_NAME not in node.attributes
        and isinstance(location, StringAttr)
        and Path(value.path.data).name == Path(location.data).name
    )


def _digest(node: FileConstantOp) -> str:
    said, location = (node.attributes.get(name) for name in (HASH_NAME, LOCATION_NAME))
    if isinstance(said, StringAttr) and said.data:
        return said.data
    return named_digest(location.data) if isinstance(location, StringAttr) else ""
