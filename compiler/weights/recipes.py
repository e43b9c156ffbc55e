"""Recipes: how a variable's bytes are computed from the ONNX tensors that a user gives, as JSON.

    {"source": name}                                       an ONNX tensor
    {"constant": hex} · {"splat": hex, "count": n}         bytes; one element repeated
    {"cast": recipe, "from": "f32", "to": "f16"}
    {"transpose": recipe, "dtype": "f32", "shape": […], "perm": […]}
    {"concat": [{"value": recipe, "shape": […]}, …], "dtype": …, "axis": 0}
    {"slice": recipe, "dtype": "f32", "shape": […], "begin": […], "size": […]}
    {"compute": "Mul", "operands": [{"value": recipe, "shape": […]}, …], "dtype": …, "shape": […]}

Element types have MLIR's spelling. What a recipe says is what the compiler itself does to weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import Any, TypeAlias, cast

from compiler.weights import (
    Cast,
    Computed,
    Inline,
    Joined,
    Operand,
    Part,
    Splat,
    Transposed,
    Weight,
    numpy_dtype,
)

Recipe: TypeAlias = Mapping[str, Any]
Sources: TypeAlias = Mapping[str, Weight]


def made(recipe: Recipe, sources: Sources) -> Weight:
    """The weight that a recipe makes of its sources; nothing is read before its bytes are.

    ValueError for what is no recipe, KeyError for a source that is not there.
    """
    kinds = [kind for kind in MAKERS if kind in recipe]
    if len(kinds) != 1:
        raise ValueError(f"no step of a recipe: {recipe}")
    return MAKERS[kinds[0]](recipe, sources)


def names_in(recipe: Recipe) -> Iterator[str]:
    """The ONNX tensors that a recipe starts from, in order, perhaps several times."""
    if "source" in recipe:
        yield str(recipe["source"])
    for inner in (recipe.get("cast"), recipe.get("transpose"), recipe.get("slice")):
        if inner is not None:
            yield from names_in(cast("Recipe", inner))
    for operand in cast("Sequence[Recipe]", recipe.get("operands", recipe.get("concat", ()))):
        yield from names_in(cast("Recipe", operand["value"]))


def started_from(recipe: Recipe, value: Weight) -> Weight | None:
    """The source of a recipe, from what was made of it; None where that has not all of it.

    ValueError for a transpose that is none of such bytes.
    """
    if "source" in recipe:
        return value
    if "transpose" not in recipe:
        return None
    shape, perm = recipe["shape"], list(recipe["perm"])
    size = prod(shape) * numpy_dtype(recipe["dtype"]).itemsize
    if sorted(perm) != list(range(len(shape))) or size != value.length:
        raise ValueError(f"{value.length} bytes are no {recipe['dtype']}{shape} turned by {perm}")
    now, back = tuple(shape[axis] for axis in perm), tuple(map(perm.index, range(len(perm))))
    return started_from(recipe["transpose"], Transposed(value, recipe["dtype"], now, back))


def transposes(recipe: Recipe) -> int:
    """How often a matrix is turned on the way from its source, by steps on it alone."""
    inner = recipe.get("transpose", recipe.get("cast"))
    return 0 if inner is None else transposes(inner) + ("transpose" in recipe)


def _cast(recipe: Recipe, sources: Sources) -> Weight:
    return Cast(made(recipe["cast"], sources), recipe["from"], recipe["to"])


def _transposed(recipe: Recipe, sources: Sources) -> Weight:
    source = made(recipe["transpose"], sources)
    return Transposed(source, recipe["dtype"], tuple(recipe["shape"]), tuple(recipe["perm"]))


def _computed(recipe: Recipe, sources: Sources) -> Weight:
    operands = _operands(recipe["operands"], sources)
    return Computed(recipe["compute"], recipe["dtype"], tuple(recipe["shape"]), operands)


def _joined(recipe: Recipe, sources: Sources) -> Weight:
    return Joined(_operands(recipe["concat"], sources), recipe["dtype"], recipe["axis"])


def _part(recipe: Recipe, sources: Sources) -> Weight:
    source = made(recipe["slice"], sources)
    shape, begin, size = (tuple(recipe[key]) for key in ("shape", "begin", "size"))
    return Part(source, recipe["dtype"], shape, begin, size)


def _operands(recipes: Sequence[Recipe], sources: Sources) -> tuple[Operand, ...]:
    return tuple(Operand(made(each["value"], sources), tuple(each["shape"])) for each in recipes)


MAKERS: Mapping[str, Callable[[Recipe, Sources], Weight]] = {
    "source": lambda recipe, sources: sources[recipe["source"]],
    "constant": lambda recipe, _: Inline(bytes.fromhex(recipe["constant"])),
    "splat": lambda recipe, _: Splat(bytes.fromhex(recipe["splat"]), recipe["count"]),
    "cast": _cast,
    "transpose": _transposed,
    "compute": _computed,
    "concat": _joined,
    "slice": _part,
}
