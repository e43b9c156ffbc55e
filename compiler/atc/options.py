"""ATC's command line: every option, what values it takes, and what we do with it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from compiler.atc.errors import AtcError


class Use(Enum):
    """What becomes of an option."""

    USED = "used"
    NOTED = "checked and noted; it changes nothing in a simulated compilation"
    REFUSED = "refused: this compiler does not do it"
    ADDED = "not ATC's: where external data may lie, and whether to refuse what ATC refuses"


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its use, the values it is limited to, and the code when it has another one.

    An option that `repeats` collects its values, as in PATH, with colons between them; a `flag`
    alone is true.
    """

    use: Use = Use.NOTED
    values: tuple[str, ...] = ()
    code: str = "E10001"
    repeats: bool = False
    flag: bool = False


ZERO_ONE = ("0", "1")
BOOLEAN = ("true", "false")
PRECISION_MODES = (
    "force_fp16",
    "force_fp32",
    "cube_fp16in_fp32out",
    "allow_mix_precision",
    "allow_fp32_to_fp16",
    "must_keep_origin_dtype",
    "allow_mix_precision_fp16",
    "allow_mix_precision_bf16",
    "allow_fp32_to_bf16",
)
PRECISION_MODES_V2 = (
    "fp16",
    "origin",
    "cube_fp16in_fp32out",
    "mixed_float16",
    "mixed_bfloat16",
    "cube_hif8",
    "mixed_hif8",
)

OPTIONS: dict[str, Option] = {
    "model": Option(Use.USED),
    "framework": Option(Use.USED, ("0", "1", "3", "5"), "E10007"),
    "output": Option(Use.USED),
    "soc_version": Option(Use.USED),
    "mode": Option(Use.USED, ("0", "1", "3", "30", "5", "6", "7")),
    **dict.fromkeys(
        (
            "input_shape",
            "input_shape_range",
            "dynamic_batch_size",
            "dynamic_image_size",
            "dynamic_dims",
        ),
        Option(Use.USED),
    ),
    "input_format": Option(Use.USED, ("NCHW", "NCDHW", "ND")),
    "external_weight": Option(Use.USED, ("0", "1", "2"), "E10006"),
    "precision_mode": Option(Use.USED, PRECISION_MODES),
    "precision_mode_v2": Option(Use.USED, PRECISION_MODES_V2),
    "keep_dtype": Option(Use.USED),
    "external_data_dir": Option(Use.ADDED),
    "allow_root": Option(Use.ADDED, repeats=True),
    "strict_atc": Option(Use.ADDED, BOOLEAN, flag=True),
    "check_report": Option(Use.USED),
    "om": Option(Use.USED),
    "json": Option(Use.USED),
    "display_model_info": Option(Use.USED, ZERO_ONE, "E10006"),
    "enable_attr_compression": Option(Use.USED, BOOLEAN),
    "fusion_switch_file": Option(Use.USED),
    "oo_constant_folding": Option(Use.USED, BOOLEAN),
    "oo_dead_code_elimination": Option(Use.USED, BOOLEAN),
    "log": Option(Use.NOTED, ("debug", "info", "warning", "error", "null"), "E10010"),
    **dict.fromkeys(
        (
            "status_check",
            "deterministic",
            "atomic_clean_policy",
            "dump_mode",
            "disable_reuse_memory",
            "sparsity",
        ),
        Option(Use.NOTED, ZERO_ONE, "E10006"),
    ),
    "op_debug_level": Option(values=("0", "1", "2", "3", "4")),
    "deterministic_level": Option(values=("0", "1", "2", "3")),
    "jit_compile": Option(values=("0", "1", "2")),
    "virtual_type": Option(values=ZERO_ONE),
    "core_type": Option(values=("AiCore", "VectorCore")),
    "op_compiler_cache_mode": Option(values=("disable", "enable", "force")),
    "buffer_optimize": Option(values=("l1_optimize", "l2_optimize", "off_optimize")),
    "enable_small_channel": Option(values=ZERO_ONE),
    "allow_hf32": Option(values=BOOLEAN),
    "enable_single_stream": Option(values=BOOLEAN),
    **dict.fromkeys(
        "ac_parallel_enable aicore_num customize_dtypes debug_dir "
        "enable_scope_fusion_passes export_compile_stat host_env_cpu "
        "host_env_os is_weight_clip mdl_bank_path modify_mixlist "
        "oo_level op_bank_path op_compiler_cache_dir op_debug_config "
        "op_precision_mode op_select_implmode optimization_switch optypelist_for_implmode "
        "quant_dumpable static_model_ops_lower_limit tiling_schedule_optimize topo_sorting_mode "
        "multi_stream_parallel_mode weight op_name_map".split(),
        Option(),
    ),
    **dict.fromkeys(
        "auto_tune_mode cal_conf cluster_config compress_weight_conf compression_optimize_conf "
        "enable_compress_weight "
        "hccl_sub_comm_config input_fp16_nodes input_hint_shape insert_op_conf "
        "is_input_adjust_hw_layout is_output_adjust_hw_layout out_nodes output_type "
        "raw_ge_options save_original_model singleop".split(),
        Option(Use.REFUSED),
    ),
}


class UsageError(Exception):
    """A command line that does not parse: ATC writes the line to stderr."""


def parse(arguments: Sequence[str]) -> dict[str, str] | None:
    """The options by name, `-` as `_`; None when help is asked for."""
    found: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word in ("-", "--"):
            raise UsageError(f"Non-option parameter: {word}")
        name, equals, value = word.lstrip("-").partition("=")
        name = name.replace("-", "_")
        if name in ("help", "h"):
            return None
        if name not in OPTIONS:
            raise UsageError(f"unknown command line flag '{name}'")
        if not equals and OPTIONS[name].flag:
            value = "true"
        elif not equals:
            if not rest:
                raise UsageError(f"flag '--{name}' is missing its argument")
            value = rest.pop(0)
        if name in found and not OPTIONS[name].repeats:
            raise UsageError(f"flag '--{name}' is given twice")
        earlier = [found[name]] if name in found else []
        found[name] = os.pathsep.join([*earlier, value])
    return found


def check_values(options: dict[str, str]) -> None:
    """AtcError for the first option whose value is not one of those it takes."""
    for name, value in options.items():
        option = OPTIONS[name]
        if option.values and value not in option.values:
            raise _wrong_value(name, value, option)


def _wrong_value(name: str, value: str, option: Option) -> AtcError:
    match option.code:
        case "E10006":
            return AtcError("E10006", value, name)
        case "E10007":
            return AtcError("E10007", name, "0(Caffe) or 1(MindSpore) or 3(TensorFlow) or 5(Onnx)")
        case "E10010":
            return AtcError("E10010", value)
        case _:
            listed = "".join(f"[{allowed}] " for allowed in sorted(option.values))
            reason = f"The value is not within the range of values. The valid range is {listed}."
            return AtcError("E10001", value, f"--{name}", reason)


def usage() -> str:
    """What `atc --help` prints."""
    lines = [
        "usage: atc --framework=5 --model=M.onnx --output=PATH --soc_version=SOC [options]",
        "       atc --mode=3 --framework=5 --model=M.onnx     what ATC would refuse",
        "       atc --mode=1 --om=M.om --json=M.json          an offline model as JSON",
        "       atc --mode=5 --om=DUMP.txt --json=M.json      a text dump of one as JSON",
        "       atc --mode=6 --om=M.om                        the facts of an offline model",
        "",
    ]
    for use in Use:
        names = sorted(name for name, option in OPTIONS.items() if option.use is use)
        lines += [f"{use.value}:", *(f"  --{name}{_choices(OPTIONS[name])}" for name in names), ""]
    return "\n".join(lines)


def _choices(option: Option) -> str:
    return f"  ({', '.join(option.values)})" if option.values else ""
