"""The models and bundles loaded on a device, by the ids ACL gives them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count

from compiler.faithfulness import is_faithful
from compiler.om.contract import VARIABLE_BASE, VARIABLE_BASE_NAME
from compiler.om.errors import OMError, Status
from compiler.om.model_reader import read_model
from compiler.om.offline_model import OfflineModel
from compiler.om.partitions import PartitionType
from compiler.soc import architecture
from runtime.bundle_file import BundleFile
from runtime.device import Bytes, Memory
from runtime.errors import AclError, Code, from_om, invalid
from runtime.executor.session import Session
from runtime.executor.static import model_integer
from runtime.executor.weight_places import Source, WeightPlaces, beside
from runtime.load_model import GivenMemory, load
from runtime.loaded_model import Model
from runtime.precision import FloatMode
from runtime.settings import Engine, Verify

FIRST_DYNAMIC_ID = 0x80000000


@dataclass(slots=True, eq=False)
class LoadedBundle:
    """A bundle: the variables its models share, and which of them are loaded as what.

    `model_ids` are what the bundle's own load call gave its models, in order; none where it has
    loaded none. `models` are all ids with their index in the file: one index may have several.
    """

    file: BundleFile
    session: Session
    model_ids: tuple[int, ...] = ()
    models: dict[int, int] = field(default_factory=dict[int, int])


def read(source: Source) -> OfflineModel:
    """Reads an ordinary OM file; AclError as a load call returns it."""
    try:
        return read_model(source)
    except OMError as error:
        raise from_om(error) from None


def check_complete(om: OfflineModel) -> None:
    """Raises AclError 145000 for a dump of a graph, which has one partition only."""
    if len(om.root.table) == 1:
        message = f"{om.source}: there is nothing but MODEL_DEF: a graph that was never compiled"
        raise AclError(Code.GE_PARAM_INVALID, message)


class Models:
    """Loads and unloads. Static models count their ids from 1, all else from 2147483648.

    `engine` runs the AI-Core tasks, and external weights are verified when `verify` says, by
    default as the environment says; `soc` is the chip, and models for another architecture do not
    load; without it every model does. `faithful` treats the variables of bundles as GraphEngine
    does, by default when the environment says so.
    """

    def __init__(
        self,
        memory: Memory,
        engine: Engine | None = None,
        *,
        soc: str | None = None,
        faithful: bool | None = None,
        verify: Verify | None = None,
    ) -> None:
        self.memory = memory
        self.soc = soc
        self.engine = engine
        self.faithful = faithful
        self.verify = verify
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
        places: WeightPlaces | None = None,
    ) -> int:
        """Loads a model and returns its id. External weights lie in `places`, by default beside
        a file and in the current directory for a model from memory.
        """
        om = read(source)
        self._check_loadable(om)
        model = load(
            om,
            self.memory,
            given=given,
            places=places or beside(source),
            engine=self.engine,
            mode=self.mode,
            verify=self.verify,
        )
        return self._add(model)

    def _check_loadable(self, om: OfflineModel) -> None:
        """Raises AclError for a file that can be read, but not loaded on this device."""
        check_complete(om)
        if om.root.partition(PartitionType.CUSTOM_OPS):
            message = f"{om.source}: its custom operators are in no library of this device"
            raise from_om(OMError(Status.PARAM_INVALID, message))
        self._check_soc(om)

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
            if model_id in bundle.models:
                raise invalid(
                    f"model {model_id} belongs to bundle {bundle_id}; unload the bundle instead"
                )
        self._remove(model_id, model)

    def _remove(self, model_id: int, model: Model) -> None:
        model.release()
        del self._models[model_id]

    def load_bundle(self, source: Source) -> int:
        """Loads a bundle and all its models; on failure nothing stays loaded."""
        bundle = self._opened(source, None)
        with ExitStack() as undo:
            undo.callback(bundle.session.release)
            models: list[Model] = []
            for index in range(len(bundle.file)):
                model = self._submodel(bundle, index, GivenMemory())
                undo.callback(model.release)
                models.append(model)
            undo.pop_all()
        bundle_id = next(self._dynamic_ids)
        bundle.model_ids = tuple(map(self._add, models))
        bundle.models = {model_id: index for index, model_id in enumerate(bundle.model_ids)}
        self._bundles[bundle_id] = bundle
        return bundle_id

    def init_bundle(self, source: Source, variables: Bytes | None = None) -> int:
        """Opens a bundle and loads none of its models. `variables` is the caller's memory for what
        they share; AclError 100000 when it is too small.
        """
        bundle = self._opened(source, variables)
        bundle_id = next(self._dynamic_ids)
        self._bundles[bundle_id] = bundle
        return bundle_id

    def _opened(self, source: Source, variables: Bytes | None) -> LoadedBundle:
        file = BundleFile(source, beside(source))
        for om in file.models:
            self._check_loadable(om)
        size = file.var_size
        if variables is not None and len(variables) < size:
            message = f"{file.source}: {size} bytes of variables, {len(variables)} were given"
            raise invalid(message)
        faithful = is_faithful() if self.faithful is None else self.faithful
        base = _variable_base(file.models)
        session = Session(self.memory, size, base, given=variables, faithful=faithful)
        return LoadedBundle(file, session)

    def load_submodel(
        self,
        bundle_id: int,
        index: int,
        given: GivenMemory | None = None,
        places: WeightPlaces | None = None,
    ) -> int:
        """Loads one model of a bundle, once more if it is loaded already; its id.

        AclError 100000 when the bundle has none of that index.
        """
        bundle = self.bundle(bundle_id)
        if not 0 <= index < len(bundle.file):
            raise invalid(f"model {index} of a bundle with {len(bundle.file)}")
        model_id = self._add(self._submodel(bundle, index, given or GivenMemory(), places))
        bundle.models[model_id] = index
        return model_id

    def _submodel(
        self,
        bundle: LoadedBundle,
        index: int,
        given: GivenMemory,
        places: WeightPlaces | None = None,
    ) -> Model:
        return load(
            bundle.file.model(index),
            self.memory,
            session=bundle.session,
            places=places or bundle.file.places,
            given=given,
            engine=self.engine,
            mode=self.mode,
            private=True,
            verify=self.verify,
        )

    def unload_submodel(self, bundle_id: int, model_id: int) -> None:
        """Unloads one model of a bundle, which keeps its variables; AclError 100000 for others."""
        bundle = self.bundle(bundle_id)
        if model_id not in bundle.models:
            raise invalid(f"model {model_id} does not belong to bundle {bundle_id}")
        del bundle.models[model_id]
        self._remove(model_id, self._models[model_id])

    def bundle(self, bundle_id: int) -> LoadedBundle:
        """The bundle of an id; AclError 148053 when there is none."""
        if bundle_id not in self._bundles:
            message = f"no bundle with id {bundle_id} is loaded"
            raise AclError(Code.INVALID_BUNDLE_MODEL_ID, message)
        return self._bundles[bundle_id]

    def model_id(self, bundle_id: int, index: int) -> int:
        """The id that a bundle's load call gave a model.

        AclError 100000 when it has none of that index, 200001 when the call has loaded none, 145003
        when the model is unloaded; faithful, GraphEngine's id of a model that is no more.
        """
        bundle = self.bundle(bundle_id)
        count = len(bundle.file)
        if not 0 <= index < count:
            raise invalid(f"model {index} of a bundle with {count}")
        if not bundle.model_ids:
            message = f"bundle {bundle_id} was opened without its models: load them one by one"
            raise AclError(Code.API_NOT_SUPPORTED, message)
        model_id = bundle.model_ids[index]
        if model_id not in bundle.models and not bundle.session.faithful:
            message = f"model {index} of bundle {bundle_id} was unloaded"
            raise AclError(Code.GE_MODEL_ID_INVALID, message)
        return model_id

    def unload_bundle(self, bundle_id: int) -> None:
        """Unloads a bundle's models and gives back its variables."""
        bundle = self.bundle(bundle_id)
        for model_id in bundle.models:
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
