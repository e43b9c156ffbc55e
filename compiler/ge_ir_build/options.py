"""The options of the graph-build calls, by GraphEngine's keys, as fields of our pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from compiler.fusion_switches import read_switches
from compiler.om.errors import GraphError, Status
from compiler.pipelines import OfflinePass
from compiler.precision_modes import SECOND_SPELLING, PrecisionMode

SOC_VERSION = "ge.socVersion"
EXTERNAL_WEIGHT = "ge.externalWeight"
PRECISION_MODE = "ge.exec.precision_mode"
PRECISION_MODE_V2 = "ge.exec.precision_mode_v2"
FUSION_SWITCH_FILE = "ge.fusionSwitchFile"
INPUT_FORMAT = "input_format"
LOG_LEVEL = "log"
# Keys: GraphEngine's `ge_api_types.h`.

GLOBAL = (SOC_VERSION, EXTERNAL_WEIGHT, PRECISION_MODE, PRECISION_MODE_V2, FUSION_SWITCH_FILE)
"""What `aclgrphBuildInitialize` takes."""
OF_GRAPH = (PRECISION_MODE, PRECISION_MODE_V2, INPUT_FORMAT, LOG_LEVEL)
"""What a graph takes when it is built; the last two change nothing here."""

MODES: Mapping[str, PrecisionMode] = {mode: mode for mode in get_args(PrecisionMode)}
EXTERNAL: Mapping[str, Any] = {"": 0, "0": 0, "1": 1, "2": 2, "reference": "reference"}
FORMATS: Mapping[str, None] = dict.fromkeys(("ND", "NCHW", "NHWC", "NC1HWC0", "NCDHW"))
LEVELS: Mapping[str, None] = dict.fromkeys(("debug", "info", "warning", "error", "event", "null"))


@dataclass(frozen=True, slots=True)
class Choice:
    """An option with few values: the field of the pipeline that it sets, if any, and to what."""

    field: str
    values: Mapping[str, Any]


CHOICES = {
    EXTERNAL_WEIGHT: Choice("external_weight", EXTERNAL),
    PRECISION_MODE: Choice("precision", MODES),
    PRECISION_MODE_V2: Choice("precision", SECOND_SPELLING),
    INPUT_FORMAT: Choice("", FORMATS),
    LOG_LEVEL: Choice("", LEVELS),
}


@dataclass(frozen=True)
class Session:
    """What `aclgrphBuildInitialize` was given, as a pipeline that graphs start from."""

    pipeline: OfflinePass = field(default_factory=OfflinePass)

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Session:
        """GraphError for an option that is not offered, or a value that it does not have."""
        from compiler.soc import soc

        pipeline = _applied(OfflinePass(), options, GLOBAL)
        if SOC_VERSION in options:
            soc(options[SOC_VERSION])
            pipeline = replace(pipeline, soc=options[SOC_VERSION])
        if FUSION_SWITCH_FILE in options:
            switched_off, _ = read_switches(options[FUSION_SWITCH_FILE])
            pipeline = replace(pipeline, disable=switched_off)
        return cls(pipeline)

    def with_options(self, options: Mapping[str, str]) -> OfflinePass:
        """The pipeline of a graph with options of its own."""
        return _applied(self.pipeline, options, OF_GRAPH)


def _applied(base: OfflinePass, options: Mapping[str, str], known: tuple[str, ...]) -> OfflinePass:
    for key, value in options.items():
        if not key or not (value or key == EXTERNAL_WEIGHT):
            raise GraphError(Status.PARAM_INVALID, f"option '{key}' = '{value}': one is empty")
        if key not in known:
            raise _invalid(f"option '{key}' is not offered here, only {', '.join(known)}")
        if key in CHOICES:
            base = _chosen(base, key, value)
    if {PRECISION_MODE, PRECISION_MODE_V2} <= options.keys():
        raise _invalid(f"options '{PRECISION_MODE}' and '{PRECISION_MODE_V2}' exclude each other")
    return base


def _chosen(base: OfflinePass, key: str, value: str) -> OfflinePass:
    choice = CHOICES[key]
    if value not in choice.values:
        known = ", ".join(filter(None, choice.values))
        raise _invalid(f"option '{key}' = '{value}' is none of {known}")
    return replace(base, **{choice.field: choice.values[value]}) if choice.field else base


def _invalid(message: str) -> GraphError:
    return GraphError(Status.GRAPH_PARAM_INVALID, message)
