"""Puts offline models on the device: memory, weights, variables, external weight files."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from compiler.faithfulness import is_faithful
from compiler.om import contract
from compiler.om.errors import OMError
from compiler.om.inout import InOutInfo
from compiler.om.offline_model import OfflineModel
from runtime.description import describe
from runtime.device import Bytes, Memory
from runtime.errors import AclError, Code, failure, from_om
from runtime.executor.dynamic import DynamicExecutor
from runtime.executor.features import Features
from runtime.executor.late_copy import LateCopy
from runtime.executor.observer import Observer
from runtime.executor.session import Session
from runtime.executor.static import StaticExecutor, model_integer
from runtime.executor.variables import refreshes, variables_read
from runtime.executor.weight_files import load_weight_files
from runtime.executor.weight_places import WeightPlaces
from runtime.input_shapes import InputShapes
from runtime.loaded_model import Model
from runtime.precision import FloatMode
from runtime.settings import Engine, Verify, default_engine, default_verification

ALIGNED = 64
"""What the address of a tensor must be a multiple of; partitions of a file begin anywhere."""


@dataclass(frozen=True, slots=True)
class GivenMemory:
    """Memory the caller provides for a model instead of letting it allocate: work and weights."""

    work: Bytes | None = None
    weights: Bytes | None = None


@dataclass(frozen=True, slots=True)
class _Compute:
    engine: Engine
    mode: FloatMode
    observer: Observer | None
    private: bool
    verify: Verify


def load(
    om: OfflineModel,
    memory: Memory,
    *,
    session: Session | None = None,
    places: WeightPlaces | None = None,
    given: GivenMemory | None = None,
    engine: Engine | None = None,
    mode: FloatMode | None = None,
    observer: Observer | None = None,
    private: bool = False,
    verify: Verify | None = None,
) -> Model:
    """Puts a model on the device; its external weights are looked for in `places` and mapped.

    `session` holds the variables it shares with others; without one it has its own. `engine` runs
    its AI-Core tasks, and external weights are compared with their digests when `verify` says, both
    by default as the environment says; `mode` is the device's, asked at every run; `observer` sees
    what every operator makes. `private` copies the weights that are in the file, so that whoever
    writes to it changes nothing here. AclError for a model that cannot run here; nothing stays
    allocated then.
    """
    engine, verify = engine or default_engine(), verify or default_verification()
    how = _Compute(engine, mode or FloatMode(), observer, private, verify)
    try:
        return _load(om, memory, session, places or WeightPlaces(), given or GivenMemory(), how=how)
    except OMError as error:  # what of the file is parsed when it is first needed
        raise from_om(error) from None
    except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
        # The container is sound, but a node, a task or an attribute is not what it must be.
        message = f"{om.source}: the model is malformed: {type(error).__name__}: {error}"
        raise failure(message) from error


def _load(
    om: OfflineModel,
    memory: Memory,
    session: Session | None,
    places: WeightPlaces,
    given: GivenMemory,
    *,
    how: _Compute,
) -> Model:
    definition = om.root.model_def
    with ExitStack() as undo:
        if session is None:
            session = _own_session(om, memory, is_faithful())
            undo.callback(session.release)
        executor = _executor(om, memory, session, given, undo, how=how)
        load_weight_files(definition, session, places, how.verify)
        description = describe(om.root)
        shapes = InputShapes.of(description, definition)
        is_dynamic = isinstance(executor, DynamicExecutor) and shapes.gears is None
        if isinstance(executor, StaticExecutor):
            _check_summary(om, description, executor)
        return Model(
            source=om.source,
            is_dynamic=is_dynamic,
            description=description,
            memory=memory,
            session=session,
            executor=executor,
            shapes=shapes,
            reads=variables_read(definition),
            refreshes=refreshes(definition) if is_dynamic else {},
            release=undo.pop_all().close,
        )


def _check_summary(om: OfflineModel, info: InOutInfo, executor: StaticExecutor) -> None:
    """Raises AclError when the file's summary of inputs and outputs is not that of its graph."""
    for what, said, slots in (
        ("inputs", info.inputs, executor.inputs),
        ("outputs", info.outputs, executor.outputs),
    ):
        shown = [list(tensor.dims) for tensor in said]
        real = [list(located.desc.shape) for located, _ in slots]
        if len(shown) != len(real) or not all(map(_agree, shown, real)):
            message = f"{om.source}: the file's summary has {what} {shown}, its graph {real}"
            raise failure(message)


def _agree(said: list[int], real: list[int]) -> bool:
    """Whether a shape is the one that is said, where that is known."""
    pairs = zip(said, real, strict=False)
    return len(said) == len(real) and all(a in (b, -1) for a, b in pairs)


def _own_session(om: OfflineModel, memory: Memory, faithful: bool) -> Session:
    definition = om.root.model_def
    base = model_integer(definition, contract.VARIABLE_BASE_NAME) or contract.VARIABLE_BASE
    size = model_integer(definition, contract.VARIABLE_SIZE_NAME)
    return Session(memory, size, base, faithful=faithful)


def work_size(om: OfflineModel) -> int:
    """Bytes of feature memory a static model needs; 0 for a dynamic one."""
    if om.header.is_dynamic:
        return 0
    return (
        model_integer(om.root.model_def, contract.FEATURE_SIZE_NAME) or om.root.task_def.memory_size
    )


def weight_size(om: OfflineModel) -> int:
    """Bytes of the weights inside the file."""
    return sum(len(submodel.weights) for submodel in om.submodels)


def _executor(
    om: OfflineModel,
    memory: Memory,
    session: Session,
    given: GivenMemory,
    undo: ExitStack,
    *,
    how: _Compute,
) -> StaticExecutor | DynamicExecutor:
    if om.header.is_dynamic:
        weights = _weights(om, memory, session, GivenMemory(), undo, private=how.private)
        return DynamicExecutor(
            om.root,
            weights,
            session,
            faithful=session.faithful,
            mode=how.mode,
            observer=how.observer,
        )
    size = work_size(om)
    work = None if given.work is None else _enough("work", given.work, size, om.source)
    features = Features(memory, size, om.source, work)
    undo.callback(features.release)
    weights = _weights(om, memory, session, given, undo, private=how.private)
    return StaticExecutor(
        om.root,
        features,
        weights,
        session,
        faithful=session.faithful,
        engine=how.engine,
        mode=how.mode,
        observer=how.observer,
    )


def _weights(
    om: OfflineModel, memory: Memory, session: Session, given: GivenMemory, undo: ExitStack,
    *, private: bool,
) -> Bytes:  # fmt: skip
    """The weights where the kernels can work on them: BLAS takes aligned tensors only.

    The caller's memory has them at once, and so has what shall be private; else they are copied,
    where they must be, before the first run.
    """
    stored, place = np.frombuffer(om.root.weights, np.uint8), given.weights
    at_once = place is not None or private
    if not len(stored) or (not at_once and stored.ctypes.data % ALIGNED == 0):
        return stored
    if place is None:
        made = memory.allocate(len(stored), f"weights of {om.source}")
        undo.callback(memory.free, made.address)
        place = made.memory
    copy = LateCopy(stored, _enough("weight", place, len(stored), om.source))
    if at_once:
        copy.ready()
    else:
        session.external.append(copy)
    return copy.memory


def _enough(what: str, have: Bytes, size: int, source: str) -> Bytes:
    if len(have) < size:
        message = f"{source}: {size} bytes of {what} memory are needed, {len(have)} were given"
        raise AclError(Code.GE_PARAM_INVALID, message)
    return have[:size]
