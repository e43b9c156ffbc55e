"""The models and bundles loaded on a device, by the ids ACL gives them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from compiler.om.bundle import read_bundle
from compiler.om.contract import VARIABLE_BASE, VARIABLE_BASE_NAME, weight_folder
from compiler.om.errors import OMError, Status
from compiler.om.model_reader import read_model
from compiler.om.offline_model import OfflineModel
from compiler.soc import architecture
from runtime.device import Memory
from runtime.errors import AclError, Code, from_om, invalid
from runtime.executor.memory import Session
from runtime.executor.static import model_integer
from runtime.load_model import GivenMemory, load
from runtime.loaded_model import Model
from runtime.precision import FloatMode
from runtime.settings import Engine

FIRST_DYNAMIC_ID = 0x80000000

Source = str | bytes
"""A path, or the bytes of the file."""


@dataclass(frozen=True, slots=True)
class LoadedBundle:
    """A bundle: the ids of its models in order, and the variables they share."""

    model_ids: tuple[int, ...]
    session: Session


def read(source: Source) -> OfflineModel:
    """Reads an ordinary OM file; AclError as a load call returns it."""
    try:
        return read_model(source)
    except OMError as error:
        raise from_om(error) from None


class Models:
    """Loads and unloads. Static models count their ids from 1, all else from 2147483648.

    `engine` runs the AI-Core tasks, by default the one the environment names; `soc` is the chip,
    and models for another architecture do not load; without it every model does.
    """

    def __init__(
        self, memory: Memory, engine: Engine | None = None, *, soc: str | None = None
    ) -> None:
        self.memory = memory
        self.soc = soc
        self.engine = engine
        self.mode = FloatMode()
        self._models: dict[int, Model] = {}
        self._bundles: dict[int, LoadedBundle] = {}
        self._static_ids = count(1)
        self._dynamic_ids = count(FIRST_DYNAMIC_ID)

    def __getitem__(self, model_id: int) -> Model:
        """The model of an id; AclError 145003 when there is none."""
        if model_id not in self._models:
            raise AclError(Code.GE_MODEL_ID_INVALID, self._unknown(model_id))
        return self._models[model_id]

    def _unknown(self, model_id: int) -> str:
        if model_id in self._bundles:
            return f"{model_id} is a bundle, not a model; use the bundle calls"
        return f"no model with id {model_id} is loaded"

    def load(
        self,
        source: Source,
        given: GivenMemory | None = None,
        folder: Path | None = None,
    ) -> int:
        """Loads a model and returns its id. External weights lie in `folder`, by default beside
        a file and in the current directory for a model from memory.
        """
        om = read(source)
        self._check_soc(om)
        folder = folder or _beside(source)
        model = load(
            om, self.memory, given=given, weight_folder=folder, engine=self.engine, mode=self.mode
        )
        return self._add(model)

    def _check_soc(self, om: OfflineModel) -> None:
        """GraphEngine's aclrtCheckArchCompatibility: a model that names no chip runs on any."""
        attributes = om.root.model_def.attr
        named = "soc_version" in attributes
        wanted = attributes["soc_version"].s.decode(errors="replace") if named else ""
        if wanted and self.soc and architecture(wanted) != architecture(self.soc):
            message = f"{om.source}: the model is for {wanted}, the device is {self.soc}"
            raise from_om(OMError(Status.PARAM_INVALID, message))

    def _add(self, model: Model) -> int:
        model_id = next(self._dynamic_ids if model.is_dynamic else self._static_ids)
        self._models[model_id] = model
        return model_id

    def unload(self, model_id: int) -> None:
        """Unloads a model; AclError 100000 for one that belongs to a bundle."""
        model = self[model_id]
        for bundle_id, bundle in self._bundles.items():
            if model_id in bundle.model_ids:
                raise invalid(
                    f"model {model_id} belongs to bundle {bundle_id}; unload the bundle instead"
                )
        self._remove(model_id, model)

    def _remove(self, model_id: int, model: Model) -> None:
        model.release()
        del self._models[model_id]

    def load_bundle(self, source: Source) -> int:
        """Loads a bundle and all its models; on failure nothing stays loaded."""
        try:
            bundle = read_bundle(source)
            submodels = bundle.models
        except OMError as error:
            raise from_om(error) from None
        for om in submodels:
            self._check_soc(om)
        with ExitStack() as undo:
            session = Session(self.memory, bundle.var_size, _variable_base(submodels))
            undo.callback(session.release)
            models: list[Model] = []
            for om in submodels:
                model = load(
                    om,
                    self.memory,
                    session=session,
                    weight_folder=_beside(source),
                    engine=self.engine,
                    mode=self.mode,
                )
                undo.callback(model.release)
                models.append(model)
            undo.pop_all()
        bundle_id = next(self._dynamic_ids)
        self._bundles[bundle_id] = LoadedBundle(tuple(map(self._add, models)), session)
        return bundle_id

    def bundle(self, bundle_id: int) -> LoadedBundle:
        """The bundle of an id; AclError 148053 when there is none."""
        if bundle_id not in self._bundles:
            message = f"no bundle with id {bundle_id} is loaded"
            raise AclError(Code.INVALID_BUNDLE_MODEL_ID, message)
        return self._bundles[bundle_id]

    def unload_bundle(self, bundle_id: int) -> None:
        """Unloads a bundle's models and gives back its variables."""
        bundle = self.bundle(bundle_id)
        for model_id in bundle.model_ids:
            self._remove(model_id, self._models[model_id])
        bundle.session.release()
        del self._bundles[bundle_id]

    def clear(self) -> None:
        """Unloads everything."""
        for bundle_id in list(self._bundles):
            self.unload_bundle(bundle_id)
        for model_id, model in list(self._models.items()):
            self._remove(model_id, model)


def _variable_base(submodels: tuple[OfflineModel, ...]) -> int:
    """Where the compiler put the variables; models that have none do not say."""
    bases = [model_integer(om.root.model_def, VARIABLE_BASE_NAME) for om in submodels]
    return max(bases, default=0) or VARIABLE_BASE


def _beside(source: Source) -> Path | None:
    return weight_folder(Path(source).resolve()) if isinstance(source, str) else None
