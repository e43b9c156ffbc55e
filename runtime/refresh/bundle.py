"""A bundle that serves: inference by name, updates of its weights, versions to return to."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from compiler.errors import UserError
from compiler.om.errors import OMError
from compiler.refresh.pack import Pack
from compiler.threads import in_threads
from runtime.device import Memory
from runtime.errors import AclError, Code, from_om, invalid
from runtime.executor.session import Table
from runtime.loaded_model import Buffer, Model
from runtime.model_registry import Models
from runtime.refresh.digests import Digest, known, later, sha256_of
from runtime.refresh.sources import Made, from_arrays, from_file, made_of, named
from runtime.refresh.versions import Version, Versions, contents_of
from runtime.refresh.weights import Parts, Weight, onnx_names, parts, refreshable
from runtime.settings import Engine, engine_of

Array = npt.NDArray[Any]

PADDING = 64
"""Bytes behind an update's buffer that may be read, as behind what acl.rt.malloc gives."""

COMPILED = "compiled"
"""The version that the initialisation graph makes."""


class Answer(dict[str, Array]):
    """A model's outputs by their ONNX names, in the model's order.

    `version` is the one of its weights that they come from.
    """

    def __init__(self, outputs: Mapping[str, Array], version: str) -> None:
        super().__init__(outputs)
        self.version = version


class Bundle:
    """A loaded bundle. Every method may be called by any thread at any time.

    Inference waits for nobody: a run takes the weights that are active when it begins, all of one
    version, and ends with them. AclError where a call fails; nothing has been changed then.
    """

    def __init__(self, models: Models, bundle_id: int, keep: int) -> None:
        self._models = models
        self._id = bundle_id
        loaded = models.bundle(bundle_id)
        self.source = loaded.file.source
        self._session = loaded.session
        self._parts: Parts = parts(loaded.file.models)
        found = refreshable(loaded.file.models, self._parts, self._session)
        self.weights = found.weights
        """What can be refreshed, by the name of the ONNX initializer."""
        self._derived = found.derived
        self._infer = models[models.load_submodel(bundle_id, self._parts.infer)]
        self._outputs = onnx_names([out.name for out in self._infer.description.outputs])
        self._changing = threading.RLock()
        self._is_closed = False
        self._initialise()
        self._versions = Versions(self._session, keep, self._begun())

    @classmethod
    def load(
        cls,
        source: str | os.PathLike[str] | bytes,
        *,
        memory: Memory | None = None,
        engine: Engine | None = None,
        faithful: bool | None = None,
        keep: int = 1,
    ) -> Self:
        """Loads a bundle from a file, or from the bytes of one, and initialises its weights.

        `memory` is the device's. `engine` and `faithful` are by default as the environment says;
        `faithful` updates as GraphEngine does, in place and unchecked, and keeps no versions.
        `keep` versions that were given no name are kept besides the active one.
        """
        if keep < 0:
            raise invalid(f"keep={keep}: the number of versions to keep is 0 or more")
        chosen = None if engine is None else engine_of(engine)
        models = Models(memory or Memory(), chosen, faithful=faithful)
        path = source if isinstance(source, bytes) else os.fspath(source)
        bundle_id = models.init_bundle(path)
        try:
            return cls(models, bundle_id, keep)
        except BaseException as error:
            models.unload_bundle(bundle_id)
            if isinstance(error, OMError | UserError):
                raise _as_acl(error) from None
            raise

    def _initialise(self) -> None:
        """Runs the initialisation graph, whose constants need not stay on the device."""
        if self._parts.init is None:
            return
        others = list(self._session.external)
        model_id = self._models.load_submodel(self._id, self._parts.init)
        before = self._session.current.contents
        self._models[model_id].run([])
        self._models.unload_submodel(self._id, model_id)
        if not self._session.faithful:
            self._session.rename(COMPILED)
            made = self._session.current.contents.items() - before.items()
            files = [files for files in self._session.external if files not in others]
            self._session.inherit(files, dict(made))

    def _begun(self) -> dict[str, Digest]:
        """Notes the digests that the manifest says, where the weights are set to those values.

        Those of the tensors that variables were made of.
        """
        made: dict[str, Digest] = {}
        if self._parts.init is None or self._session.faithful:
            return made
        contents = self._session.current.contents
        for name, weight in self.weights.items():
            if weight.sha256 is None:
                continue
            if weight.place is None:
                made[name] = known(weight.sha256)
            else:
                contents[weight.place.variable].digest = weight.sha256
        return made

    def infer(self, inputs: Mapping[str, Any]) -> Answer:
        """The outputs for inputs by name, in the active version of the weights.

        AclError for inputs that are not the model's, and while a weight was never given.
        """
        self._check_open()
        outputs, table = self._infer.infer(self._arguments(inputs))
        return Answer(dict(zip(self._outputs, outputs, strict=True)), table.name)

    def _check_open(self) -> None:
        if self._is_closed:
            raise AclError(Code.INVALID_BUNDLE_MODEL_ID, f"{self.source}: the bundle is closed")

    def _arguments(self, inputs: Mapping[str, Any]) -> list[Array]:
        known = self._infer.description.inputs
        names = [tensor.name for tensor in known]
        if sorted(names) != sorted(inputs):
            raise invalid(f"{self.source}: the inputs are {names}, {list(inputs)} were given")
        return self._infer.arrays([np.asarray(inputs[name]) for name in names])

    def update(
        self,
        weights: str | os.PathLike[str] | Mapping[str, Any],
        name: str | None = None,
        *,
        copy: bool = True,
    ) -> str:
        """Changes weights: arrays by ONNX name, or those in a safetensors file; the new version.

        A weight pack is taken only in the version that it starts from, and when its bytes are
        those it was made of. Weights left out keep their values; of nothing but these there is no
        new version without a `name`, which keeps the version until it is forgotten. Without `copy`
        arrays are lent: they must not be written to any more.
        """
        try:
            with self._changing:
                return self._update(weights, name, copy)
        except (OMError, UserError) as error:
            raise _as_acl(error) from None

    def _update(
        self, weights: str | os.PathLike[str] | Mapping[str, Any], name: str | None, copy: bool
    ) -> str:
        self._check_open()
        if self._session.faithful:
            return self._update_in_place(weights, name)
        self._versions.check_new(name)
        if isinstance(weights, dict | Mapping):  # a dictionary is seen to be one sooner
            update = from_arrays(weights, self.weights, copy=copy)
        else:
            update = from_file(weights, self.weights)
        before = self._versions.active
        after = self._packed(update.pack, before) if update.pack is not None else None
        made = made_of(update, self._session, self._derived)
        digests = later(made.tensors) if after is None else self._checked(made, after)
        if not update.given and name is None:
            return self.version
        return self._versions.publish(made.contents, name, {**before.made, **digests})

    def _packed(self, pack: Pack, before: Version) -> dict[str, str]:
        """The digests after a pack; AclError while there is no version it could start from."""
        state = before.digests(self.weights)
        if missing := sorted(self.weights.keys() - state.keys()):
            never = f"{len(missing)} of {len(self.weights)} weights were never given"
            what = f"the bundle holds no version yet, {never}, as '{missing[0]}'"
            raise invalid(f"{self.source}: {what}: update it with all of them first")
        return pack.applied_to(state, f"{self.source}, version '{self.version}',")

    def _checked(self, made: Made, digests: Mapping[str, str]) -> dict[str, Digest]:
        """The digests of what variables were made of, when all bytes are those of the pack.

        What has been copied is hashed, not the file, which may change meanwhile.
        """
        contents = contents_of(self.weights, Table("", made.contents))
        copies = {name: content.memory for name, content in contents.items()} | made.tensors
        found = dict(zip(copies, in_threads(sha256_of, copies.values()), strict=True))
        for name, digest in found.items():
            if digest != digests[name]:
                message = f"weight '{name}' is damaged: its bytes are not those of the pack"
                raise AclError(Code.GE_FAILURE, f"{message}; no weight has been changed")
        for name, content in contents.items():
            content.digest = found[name]
        return {name: known(found[name]) for name in made.tensors}

    def _update_in_place(
        self, weights: str | os.PathLike[str] | Mapping[str, Any], name: str | None
    ) -> str:
        if not isinstance(weights, Mapping) or self._parts.update is None:
            raise invalid(f"{self.source}: faithful, GraphEngine takes arrays for an update model")
        if name is not None:
            raise invalid(f"{self.source}: faithful, there are no versions to be called '{name}'")
        for tensor in weights:
            if named(tensor, self.weights).place is None:
                made = f"variables are made of '{tensor}' by a recipe"
                raise invalid(f"{self.source}: {made}, which GraphEngine does not follow")
        model_id = self._models.load_submodel(self._id, self._parts.update)
        try:
            _execute(self._models[model_id], self._models.memory, weights, self.weights)
        finally:
            self._models.unload_submodel(self._id, model_id)
        return self.version

    @property
    def version(self) -> str:
        """The name of the active version; "" while the weights were never given, and faithful."""
        return self._session.current.name

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions that can be activated, the oldest first."""
        return self._versions.names

    def activate(self, name: str) -> None:
        """Makes a kept version active: bit for bit what it was, without copying."""
        with self._changing:
            self._check_open()
            self._versions.activate(name)

    def rollback(self) -> str:
        """Activates the version that was active before this one; its name."""
        with self._changing:
            self._check_open()
            return self._versions.rollback()

    def forget(self, name: str) -> None:
        """Gives back the memory of a version that is not active, as far as no other shares it."""
        with self._changing:
            self._check_open()
            self._versions.forget(name)

    def digests(self) -> dict[str, str]:
        """SHA-256 of every weight in the active version, by name; faithful, of the memory."""
        with self._changing:
            self._check_open()
            if self._session.faithful:
                held = contents_of(self.weights, self._session.current)
                return {name: sha256_of(content.memory) for name, content in held.items()}
            return self._versions.active.digests(self.weights)

    def close(self) -> None:
        """Unloads the bundle. Runs that have begun end well."""
        with self._changing:
            self._check_open()
            self._is_closed = True
            self._models.unload_bundle(self._id)
            self._versions = Versions(self._session, 0, {})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _as_acl(error: OMError | UserError) -> AclError:
    """Errors of files come as those of the device do."""
    return from_om(error) if isinstance(error, OMError) else invalid(str(error))


def _execute(
    model: Model, memory: Memory, arrays: Mapping[str, Any], weights: Mapping[str, Weight]
) -> None:
    """Runs an update model on arrays, as they are; weights left out get an empty tensor."""
    by_input = {weight.input: name for name, weight in weights.items()}
    empty = np.empty(0, np.uint8)
    made: list[Buffer] = []
    try:
        for index in range(len(model.description.inputs)):
            array = np.ascontiguousarray(arrays.get(by_input.get(index, ""), empty))
            place = memory.allocate(max(array.nbytes, 1), "update", array.nbytes + PADDING)
            place.memory[: array.nbytes] = array.reshape(-1).view(np.uint8)
            made.append(Buffer(place.address, array.nbytes, array.shape))
        model.execute(made, [])
    finally:
        for buffer in made:
            memory.free(buffer.address)
