"""The pyACL functions we have: one line each with argument kinds and what is returned.

    [*] name(kind, kind?, …) -> value[=on failure], …, ret

`*` needs a current context. A `?` argument may be left out. `ret` is the return code; without one
the values come bare. Values that fail are 0, "", {}, [] or None by their kind, unless stated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ACL = """
  init(str?) -> ret
  finalize() -> ret
  finalize_reference() -> int, ret
  get_version() -> int, int, int, ret
  get_soc_name() -> str
  get_recent_err_msg() -> none
  app_log(int, str) -> none
  float16_to_float(int) -> float
  float_to_float16(float) -> int
  data_type_size(int) -> int
  create_data_buffer(int, int) -> int
  destroy_data_buffer(int) -> ret
  update_data_buffer(int, int, int) -> ret
  get_data_buffer_addr(int) -> int
  get_data_buffer_size(int) -> int
  get_data_buffer_size_v2(int) -> int
  create_tensor_desc(int, list, int) -> int
  destroy_tensor_desc(int) -> none
  get_tensor_desc_type(int) -> int=-1
  get_tensor_desc_format(int) -> int=-1
  get_tensor_desc_num_dims(int) -> int
  get_tensor_desc_element_count(int) -> int
  get_tensor_desc_size(int) -> int
  get_tensor_desc_dim(int, int) -> int=-1
  get_tensor_desc_dim_v2(int, int) -> int, ret
  get_tensor_desc_name(int) -> str
  set_tensor_desc_name(int, str) -> none
  set_tensor_shape(int, list) -> ret
  set_tensor_format(int, int) -> ret
"""

_RT = """
  set_device(int) -> ret
  reset_device(int) -> ret
  reset_device_force(int) -> ret
* get_device() -> int, ret
  get_device_count() -> int, ret
  get_run_mode() -> int, ret
  get_soc_name() -> str
* set_device_sat_mode(int) -> ret
* get_device_sat_mode() -> int, ret
  create_context(int) -> int, ret
  destroy_context(int) -> ret
  set_context(int) -> ret
* get_context() -> int, ret
* create_stream() -> int, ret
* create_stream_with_config(int, int) -> int, ret
  destroy_stream(int) -> ret
  destroy_stream_force(int) -> ret
* synchronize_stream(int) -> ret
* synchronize_stream_with_timeout(int, int) -> ret
* synchronize_device() -> ret
* malloc(int, int) -> int, ret
* malloc_align32(int, int) -> int, ret
* malloc_cached(int, int) -> int, ret
* free(int) -> ret
* malloc_host(int) -> int, ret
* free_host(int) -> ret
* memset(int, int, int, int) -> ret
* memset_async(int, int, int, int, int) -> ret
* memcpy(int, int, int, int, int) -> ret
* memcpy_async(int, int, int, int, int, int) -> ret
* mem_flush(int, int) -> ret
* mem_invalidate(int, int) -> ret
* get_mem_info(int) -> int, int, ret
* create_event() -> int, ret
* create_event_with_flag(int) -> int, ret
  destroy_event(int) -> ret
* record_event(int, int) -> ret
* reset_event(int, int) -> ret
* synchronize_event(int) -> ret
* stream_wait_event(int, int) -> ret
  query_event(int) -> int, ret
  query_event_status(int) -> int, ret
  event_elapsed_time(int, int) -> float, ret
  subscribe_report(int, int) -> ret
  unsubscribe_report(int, int) -> ret
* launch_callback(callable, list, int, int) -> ret
  process_report(int) -> ret
"""

_MDL = """
* load_from_file(str) -> int, ret
* load_from_mem(int, int) -> int, ret
* load_from_file_with_mem(str, int, int, int, int) -> int, ret
* load_from_mem_with_mem(int, int, int, int, int, int) -> int, ret
  create_config_handle() -> int
  destroy_config_handle(int) -> ret
  set_config_opt(int, int, object) -> ret
  set_external_weight_address(int, str, int, int) -> ret
* load_with_config(int) -> int, ret
  unload(int) -> ret
  query_size(str) -> int, int, ret
  query_size_from_mem(int, int) -> int, int, ret
  create_desc() -> int
  destroy_desc(int) -> ret
  get_desc(int, int) -> ret
  get_desc_from_file(int, str) -> ret
  get_desc_from_mem(int, int, int) -> ret
  get_num_inputs(int) -> int
  get_num_outputs(int) -> int
  get_input_size_by_index(int, int) -> int
  get_output_size_by_index(int, int) -> int
  get_input_name_by_index(int, int) -> str
  get_output_name_by_index(int, int) -> str
  get_input_index_by_name(int, str) -> int, ret
  get_output_index_by_name(int, str) -> int, ret
  get_input_format(int, int) -> int=-1
  get_output_format(int, int) -> int=-1
  get_input_data_type(int, int) -> int=-1
  get_output_data_type(int, int) -> int=-1
  get_input_dims(int, int) -> dict, ret
  get_input_dims_v2(int, int) -> dict, ret
  get_output_dims(int, int) -> dict, ret
  get_cur_output_dims(int, int) -> dict, ret
  get_dynamic_batch(int) -> dict, ret
  get_dynamic_hw(int, int) -> dict, ret
  get_input_dynamic_gear_count(int, int) -> int, ret
  get_input_dynamic_dims(int, int, int) -> list, ret
  get_tensor_real_name(int, str) -> str
  create_dataset() -> int
  destroy_dataset(int) -> ret
  add_dataset_buffer(int, int) -> int, ret
  get_dataset_num_buffers(int) -> int
  get_dataset_buffer(int, int) -> int
  set_dataset_tensor_desc(int, int, int) -> int, ret
  get_dataset_tensor_desc(int, int) -> int
* set_dynamic_batch_size(int, int, int, int) -> ret
* set_dynamic_hw_size(int, int, int, int, int) -> ret
* set_input_dynamic_dims(int, int, int, object) -> ret
* execute(int, int, int) -> ret
* execute_async(int, int, int, int) -> ret
* bundle_load_from_file(str) -> int, ret
* bundle_load_from_mem(int, int) -> int, ret
  bundle_get_model_num(int) -> int, ret
  bundle_get_model_id(int, int) -> int, ret
  bundle_unload(int) -> ret
"""

_UTIL = """
  bytes_to_ptr(object) -> int
  ptr_to_bytes(int, int) -> none
  numpy_to_ptr(object) -> int
  numpy_contiguous_to_ptr(object) -> int, none
  ptr_to_numpy(int, tuple, int) -> none
  start_thread(callable, list) -> int, ret
  stop_thread(int) -> ret
"""

_BUNDLES = """
  bundle_create_query_info() -> int
  bundle_destroy_query_info(int) -> ret
  bundle_query_info_from_file(str, int) -> ret
  bundle_query_info_from_mem(int, int, int) -> ret
  bundle_get_query_model_num(int) -> int, ret
  bundle_get_var_weight_size(int) -> int, ret
  bundle_get_size(int, int) -> int, int, ret
* bundle_init_from_file(str, int, int) -> int, ret
* bundle_init_from_mem(int, int, int, int) -> int, ret
* bundle_load_model(int, int) -> int, ret
* bundle_load_model_with_mem(int, int, int, int, int, int) -> int, ret
* bundle_load_model_with_config(int, int, int) -> int, ret
  bundle_unload_model(int, int) -> ret
"""

EXTENSION = "ascend_opt_acl"
"""The module of what ACL has in C only: no `acl` anywhere has these functions."""

SURFACE = {"": _ACL, "rt": _RT, "mdl": _MDL, "util": _UTIL, EXTENSION: _BUNDLES}
"""The functions of module `acl` and of its submodules, and of the extension."""

IMPLEMENTATIONS = {
    "": ("system", "tensors"),
    "rt": ("devices", "memory", "events"),
    "mdl": ("loading", "descriptions", "datasets", "gears", "execution"),
    "util": ("pointers",),
    EXTENSION: ("bundles",),
}
"""Where the functions are implemented, each under its own name: modules of this package."""

_LINE = re.compile(r"(?P<context>\*?) *(?P<name>\w+)\((?P<args>[^)]*)\) -> (?P<values>.+)")
_FAILURES: dict[str, object] = {"int": 0, "str": "", "float": 0.0, "none": None}


@dataclass(frozen=True, slots=True)
class Function:
    """One line of the table; `values` are the kinds returned before `ret`."""

    name: str
    arguments: tuple[str, ...]
    optional: int
    values: tuple[str, ...]
    failures: tuple[object, ...]
    has_ret: bool
    needs_context: bool

    @property
    def required(self) -> int:
        """How many arguments a call must have."""
        return len(self.arguments) - self.optional


def functions(module: str) -> Iterator[Function]:
    """The functions of a submodule ('' for `acl` itself), or of the extension."""
    return (_function(line) for line in SURFACE[module].strip("\n").splitlines())


def _function(line: str) -> Function:
    match = _LINE.fullmatch(line.strip())
    assert match, line
    arguments = [kind for kind in match["args"].split(", ") if kind]
    values = match["values"].split(", ")
    has_ret = values[-1] == "ret"
    kinds = [value.partition("=") for value in (values[:-1] if has_ret else values)]
    return Function(
        match["name"],
        tuple(kind.rstrip("?") for kind in arguments),
        sum(kind.endswith("?") for kind in arguments),
        tuple(kind for kind, _, _ in kinds),
        tuple(int(stated) if stated else _FAILURES.get(kind) for kind, _, stated in kinds),
        has_ret,
        bool(match["context"]),
    )
