"""Reads any OM file: a model or a bundle of models."""

from compiler.om.bundle import Bundle, read_bundle
from compiler.om.header import HEADER_SIZE, ModelType, unpack_header
from compiler.om.model_reader import read_model
from compiler.om.offline_model import OfflineModel
from compiler.om.source import Source, map_source


def read_om(source: Source, *, name: str | None = None) -> OfflineModel | Bundle:
    """Reads and checks a file or buffer, the models of a bundle included.

    What it is stands in the header's `modeltype`: a bundle has no magic. OMError with the status
    GraphEngine (for a bundle's own table: ACL) gives. Weights stay in the file: views of its
    mapping are handed out, nothing of them is copied.
    """
    data, name = map_source(source, name)
    if len(data) < HEADER_SIZE or unpack_header(data).modeltype != ModelType.BUNDLE:
        return read_model(data, name=name)
    bundle = read_bundle(data, name=name)
    _ = bundle.models
    return bundle
