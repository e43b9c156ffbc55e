"""The file of a loaded bundle, from which models may still be loaded."""

from __future__ import annotations

import os

from compiler.om.bundle import read_bundle
from compiler.om.errors import OMError
from compiler.om.offline_model import OfflineModel
from compiler.om.source import map_file
from compiler.weights import Version
from runtime.errors import failure, from_om
from runtime.executor.weight_places import Source, WeightPlaces


class BundleFile:
    """A bundle's models, and the `places` of their external weights.

    AclError as a load call returns it when the file does not load.
    """

    def __init__(self, source: Source, places: WeightPlaces) -> None:
        self._path = source if isinstance(source, str) else None
        self.places = places
        try:
            mapped = map_file(source) if isinstance(source, str) else None
            self._version = mapped.version if mapped else None
            bundle = read_bundle(mapped.view if mapped else source, name=self._path)
            self.models = bundle.models
        except OMError as error:
            raise from_om(error) from None
        self.source = bundle.source
        self.var_size = bundle.var_size

    def __len__(self) -> int:
        return len(self.models)

    def model(self, index: int) -> OfflineModel:
        """One of the models; AclError 500002 when the file was written to since it was read."""
        now, then = self._stat(), self._version
        same_file = now and then and (now.device, now.inode) == (then.device, then.inode)
        if same_file and now != then:
            raise failure(
                f"{self.source} has been changed in its place since the bundle was loaded: load "
                "the bundle again",
            )
        return self.models[index]

    def _stat(self) -> Version | None:
        """Which file is at the path, and which version of it."""
        try:
            return Version.of(os.stat(self._path)) if self._path is not None else None
        except OSError:
            return None  # nobody writes to what we still have
