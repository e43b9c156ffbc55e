"""Variables that are made of ONNX tensors: what must be given together, and what it becomes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from compiler.threads import in_threads
from compiler.weights import CHUNK, Splat
from compiler.weights.recipes import Recipe, made, names_in
from runtime.device import Bytes
from runtime.errors import AclError, Code, failure
from runtime.executor.contents import Content, Place
from runtime.executor.session import Session

SHOWN = 4
"""Names that a message lists."""


@dataclass(frozen=True, slots=True)
class Derived:
    """A variable, by name, and the recipe that makes its bytes of the tensors `sources`."""

    name: str
    place: Place
    recipe: Recipe
    sources: frozenset[str]


def derived(name: str, place: Place, recipe: Recipe, sizes: Mapping[str, int]) -> Derived:
    """A variable with its recipe, for tensors of so many bytes.

    AclError 500002 for a recipe that does not make the variable's bytes of them.
    """
    try:
        sources = frozenset(names_in(recipe))
        length = made(recipe, {name: Splat(b"\0", sizes[name]) for name in sources}).length
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        message = f"the recipe of variable '{name}' is damaged: {type(error).__name__} {error}"
        raise failure(message) from None
    if length != place.desc.size:
        has = f"the variable has {place.desc.size}"
        raise failure(f"the recipe of variable '{name}' makes {length} bytes, {has}")
    return Derived(name, place, recipe, sources)


def affected(given: Collection[str], variables: Sequence[Derived]) -> list[Derived]:
    """The variables that change with the tensors given.

    AclError where others are needed to make one of them: they are not kept.
    """
    names = set(given)
    changed = [variable for variable in variables if not names.isdisjoint(variable.sources)]
    for variable in changed:
        if missing := sorted(variable.sources - names):
            one = min(variable.sources & names)
            more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
            listed = ", ".join(f"'{name}'" for name in missing[:SHOWN])
            raise AclError(
                Code.GE_FAILURE,
                f"weight '{one}' is computed into one variable with {listed}{more}: they have to "
                "be given with it (`refresh make --for` packs them); no weight has been changed",
            )
    return changed


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """The bytes of a tensor that was given, as the weight that a recipe starts from."""

    memory: Bytes

    @property
    def length(self) -> int:
        return len(self.memory)

    def chunks(self) -> Iterator[memoryview]:
        for start in range(0, len(self.memory), CHUNK):
            yield self.memory[start : start + CHUNK].data


def cooked(
    variables: Sequence[Derived], tensors: Mapping[str, Bytes], session: Session
) -> dict[int, Content]:
    """New contents of the variables, made of the tensors' bytes as the compiler makes them."""
    sources = {name: _Held(memory) for name, memory in tensors.items()}

    def one(variable: Derived) -> tuple[int, Content]:
        content = session.fresh(variable.place.variable)
        done = variable.place.offset
        for chunk in made(variable.recipe, sources).chunks():
            content.memory[done : done + len(chunk)] = np.frombuffer(chunk, np.uint8)
            done += len(chunk)
        return variable.place.variable, content

    return dict(in_threads(one, variables))
