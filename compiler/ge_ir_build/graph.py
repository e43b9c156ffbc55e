"""What the graph-build calls pass around: graphs, with options, and models in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xdsl.parser import Parser

from compiler.context import context
from compiler.om.buffers import Blob, Buffer, Held, joined_bytes
from compiler.om.errors import GraphError, Status
from compiler.om.header import HEADER_SIZE, ModelType, unpack_header
from compiler.rewrite import main_graphs
from compiler.targets.text import text_of
from dialects.ge import GraphOp


@dataclass(eq=False)
class Graph:
    """A graph of GraphEngine nodes; `op` is None until it has been given any.

    The calls that take one never change it.
    """

    name: str = ""
    op: GraphOp | None = None

    @classmethod
    def parse(cls, text: str) -> Graph:
        """The one `ge.graph` of a module in MLIR; ParseError for what is not MLIR."""
        graphs = list(main_graphs(Parser(context(), text).parse_module()))
        if len(graphs) != 1:
            raise GraphError(Status.PARAM_INVALID, f"one ge.graph is needed, not {len(graphs)}")
        return cls.of(graphs[0])

    @classmethod
    def of(cls, op: GraphOp) -> Graph:
        """A graph that nobody else holds; it leaves the module that it is in."""
        if op.parent is not None:
            op.detach()
        return cls(op.label, op)

    def copy(self) -> GraphOp:
        """The nodes, for somebody who changes them; GraphError when there are none."""
        if self.op is None:
            raise GraphError(Status.PARAM_INVALID, f"graph '{self.name}' has no nodes")
        return self.op.clone()

    def __str__(self) -> str:
        return text_of(self.op) if self.op is not None else f'ge.graph "{self.name}" {{\n}}'


@dataclass
class GraphWithOptions:
    """A graph of a bundle, and the options that it alone is built with."""

    graph: Graph
    build_options: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass
class WeightRefreshableGraphs:
    """What a graph is split into; without initialisation there is no `var_init_graph`."""

    infer_graph: Graph = field(default_factory=Graph)
    var_init_graph: Graph = field(default_factory=Graph)
    var_update_graph: Graph = field(default_factory=Graph)


@dataclass
class ModelBufferData:
    """An offline model or a bundle, built and not yet saved.

    Weights are read when `data` is asked for or the model is saved. `weights` are the files of
    its `weight` folder by name. A model from elsewhere is one with `blob=Held(its bytes)`.
    """

    blob: Blob = field(default_factory=lambda: Held(b""))
    weights: Sequence[tuple[str, Blob]] = ()

    @property
    def length(self) -> int:
        """The number of bytes."""
        return self.blob.length

    @property
    def data(self) -> bytes:
        """The whole file, in memory."""
        return joined_bytes(self.blob.chunks())

    @property
    def is_bundle(self) -> bool:
        """Whether the header says so."""
        head = self._head()
        return len(head) == HEADER_SIZE and unpack_header(head).modeltype == ModelType.BUNDLE

    def _head(self) -> Buffer:
        head = b""
        for chunk in self.blob.chunks():
            head += memoryview(chunk)[: HEADER_SIZE - len(head)]
            if len(head) == HEADER_SIZE:
                break
        return head

    def files(self, folder: Path) -> list[tuple[Path, Blob]]:
        """The weight files, and what is in them."""
        return [(folder / name, blob) for name, blob in self.weights]
