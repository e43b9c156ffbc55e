"""Blocks of an attention: which tokens a group of cores works on, and in which order."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from xdsl.ir import Attribute, SSAValue

from compiler.conversion.ge_to_davinci.builder import KernelBuilder
from compiler.conversion.ge_to_davinci.cube import Rows
from compiler.conversion.ge_to_davinci.index import Index, delinearize, linearize
from compiler.conversion.ge_to_davinci.operator import Operator, UnsupportedError
from compiler.planning.attention import AttentionTile

SCORES, WEIGHTS, RESULTS = 0, 1, 2
"""Flags between the cores of a group: scores, their softmax and its products are in memory."""


@dataclass(frozen=True)
class Heads:
    """An attention's numbers; `layout` is the operator's, where heads lie apart or in a row."""

    operator: Operator
    layout: str
    batch: int
    heads: int
    key_heads: int
    queries: int
    keys: int
    size: int
    element: Attribute

    @classmethod
    def of(cls, operator: Operator) -> Heads:
        """The numbers of an operator; UnsupportedError where it has others."""
        query, key = operator.input("query"), operator.input("key")
        layout, heads = operator.text("input_layout", "BSH"), operator.int("num_heads", 1)
        if query is None or key is None or layout not in ("BNSD", "BSND", "BSH"):
            raise UnsupportedError("query, key and value are BNSD, BSND or BSH")
        if str(query.element) not in ("f16", "bf16") or operator.int("sparse_mode", 0):
            raise UnsupportedError("f16 or bf16 without a sparse mode")
        key_heads = operator.int("num_key_value_heads", 0) or heads
        along = 2 if layout == "BNSD" else 1
        size = query.size // (query.shape[0] * heads * query.shape[along])
        return cls(
            operator,
            layout,
            query.shape[0],
            heads,
            key_heads,
            query.shape[along],
            key.shape[along],
            size,
            query.element,
        )

    def items(self, tile: AttentionTile) -> int:
        """The number of blocks of queries."""
        return self.batch * self.heads * -(-self.queries // tile.queries)

    @property
    def key_bytes(self) -> int:
        """The bytes of all keys and values."""
        return 4 * self.batch * self.key_heads * self.keys * self.size

    def row(self, heads: int) -> int:
        """The elements from one token to the next."""
        return self.size if self.layout == "BNSD" else self.size * heads

    def offset(self, rows: Rows, heads: int, tokens: int) -> Index:
        """Where some tokens of a batch and head begin."""
        batch = heads * tokens * self.size
        head = tokens * self.size if self.layout == "BNSD" else self.size
        return linearize([rows.batch, rows.image, rows.first], [batch, head, self.row(heads)])


@dataclass(frozen=True)
class AttentionFunction:
    """What the two functions of the kernel have in common: the order of blocks."""

    b: KernelBuilder
    h: Heads
    tile: AttentionTile
    spaces: dict[str, SSAValue]

    def begin(self) -> Index:
        """The index of the group, before any loop."""
        return self.b.block_idx

    @property
    def blocks(self) -> int:
        """Blocks of keys."""
        return -(-self.h.keys // self.tile.keys)

    def queries(self, item: Index) -> Rows:
        """A block of queries: a head's follow each other, or where L2 holds all keys, come last.

        Cores that read the same keys at a time would wait for each other.
        """
        h, size = self.h, self.tile.queries
        blocks = -(-h.queries // size)
        if h.key_bytes <= self.b.soc.l2 // 2:
            down, batch, head = delinearize(item, [blocks, h.batch, h.heads])
        else:
            batch, head, down = delinearize(item, [h.batch, h.heads, blocks])
        first = down * size
        return Rows(batch, head, down, first, self.b.minimum(h.queries - first, size))

    def keys(self, queries: Rows, block: Index) -> Rows:
        """A block of keys, of the head that belongs to the queries', from which they all begin
        with another one."""
        first = (block + queries.number) % self.blocks * self.tile.keys
        first = Index.of(self.b.value(first))
        head = queries.image // (self.h.heads // self.h.key_heads)
        count = self.b.minimum(self.h.keys - first, self.tile.keys)
        return Rows(queries.batch, head, block, first, count)

    def turn(self, turn: Index) -> AbstractContextManager[Index]:
        """The block of a turn, where there is one more."""
        return self.b.loop(turn, self.b.minimum(turn + 1, self.blocks), name="ahead", keep=True)

    def before(self, turn: Index) -> AbstractContextManager[Index]:
        """The block of the turn before, where there was one."""
        return self.b.loop(self.b.maximum(turn - 1, 0), turn, name="behind", keep=True)

    def place(self, name: str, block: Index) -> Index:
        """Where a group keeps what it has of a block in memory: two of them in turn."""
        columns = self.h.size if name == "results" else self.tile.keys
        size = self.tile.queries * columns
        return self.b.block_idx * (2 * size) + block % 2 * size
