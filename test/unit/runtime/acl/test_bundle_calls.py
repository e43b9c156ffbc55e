"""`ascend_opt_acl`: the calls on bundles that ACL has in C only, and ids and unloading."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from runtime.acl import install

Array = npt.NDArray[Any]

A = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
VARIABLES = 2 * 1536


@pytest.fixture
def ext(modules: dict[str, ModuleType]) -> Any:
    return modules["ascend_opt_acl"]


@pytest.fixture
def path(tmp_path: Path, refresh_bundle: bytes) -> str:
    (tmp_path / "bundle.om").write_bytes(refresh_bundle)
    return str(tmp_path / "bundle.om")


def _infer(program: Any, model_id: int) -> tuple[Array, int]:
    target = program.ok(*program.acl.rt.malloc(32, 2))
    inputs, outputs = program.arrays(A), program.dataset((target, 32))
    ret = program.acl.mdl.execute(model_id, inputs, outputs)
    return program.from_device(target, 32).reshape(2, 4), ret


def _initialise(program: Any, model_id: int) -> None:
    assert program.acl.mdl.execute(model_id, program.dataset(), program.dataset()) == 0


def test_a_bundle_is_queried_without_being_loaded(program: Any, ext: Any, path: str) -> None:
    info = ext.bundle_create_query_info()
    assert ext.bundle_get_query_model_num(info) == (0, 100000)
    assert ext.bundle_query_info_from_file(path, info) == 0
    assert ext.bundle_get_query_model_num(info) == (3, 0)
    assert ext.bundle_get_var_weight_size(info) == (VARIABLES, 0)
    work, weights = program.ok(*ext.bundle_get_size(info, 1))
    assert (work > 0, weights > 0) == (True, True)
    assert ext.bundle_get_size(info, 2) == (0, 0, 0)
    assert ext.bundle_get_size(info, 3) == (0, 0, 100000)
    data = Path(path).read_bytes()
    pointer = program.acl.util.bytes_to_ptr(data)
    assert ext.bundle_query_info_from_mem(pointer, len(data), info) == 0
    assert ext.bundle_query_info_from_mem(0, len(data), info) == 100000
    assert ext.bundle_query_info_from_file(f"{path}.no", info) == 145002
    assert ext.bundle_destroy_query_info(info) == 0
    assert ext.bundle_destroy_query_info(info) == 100000


def test_models_are_loaded_one_by_one_and_share_their_variables(
    program: Any, ext: Any, path: str, refresh_weights: dict[str, Array]
) -> None:
    acl = program.acl
    bundle = program.ok(*ext.bundle_init_from_file(path, 0, 0))
    assert bundle == 0x80000000
    assert acl.mdl.bundle_get_model_num(bundle) == (3, 0)
    assert acl.mdl.bundle_get_model_id(bundle, 0) == (0, 200001)
    assert acl.mdl.bundle_get_model_id(bundle, 3) == (0, 100000)
    first, second = (program.ok(*ext.bundle_load_model(bundle, 0)) for _ in range(2))
    assert first != second
    assert _infer(program, first)[1] == 500002
    init = program.ok(*ext.bundle_load_model(bundle, 1))
    _initialise(program, init)
    assert ext.bundle_unload_model(bundle, init) == 0
    assert ext.bundle_unload_model(bundle, init) == 100000
    wanted = A @ refresh_weights["w0"] + refresh_weights["w1"]
    for model in (first, second):
        y, ret = _infer(program, model)
        assert ret == 0
        np.testing.assert_array_equal(y, wanted)
    assert acl.mdl.unload(first) == 100000
    assert ext.bundle_load_model(bundle, 3) == (0, 100000)
    assert ext.bundle_load_model(bundle + 1, 0) == (0, 148053)
    assert acl.mdl.bundle_unload(bundle) == 0
    assert _infer(program, second)[1] == 145003


def test_a_bundle_that_is_loaded_takes_further_models(
    program: Any, ext: Any, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    acl = program.acl
    bundle = program.ok(*acl.mdl.bundle_load_from_file(path))
    infer, init = (program.ok(*acl.mdl.bundle_get_model_id(bundle, i)) for i in range(2))
    another = program.ok(*ext.bundle_load_model(bundle, 0))
    _initialise(program, init)
    first, second = (_infer(program, model)[0] for model in (infer, another))
    np.testing.assert_array_equal(first, second)
    assert ext.bundle_unload_model(bundle, infer) == 0
    assert acl.mdl.bundle_get_model_id(bundle, 0) == (0, 145003)
    assert _infer(program, infer)[1] == 145003
    assert _infer(program, another)[1] == 0
    monkeypatch.setenv("ASCEND_OPT_FAITHFUL", "1")
    stale = program.ok(*acl.mdl.bundle_load_from_file(path))
    model = program.ok(*acl.mdl.bundle_get_model_id(stale, 0))
    assert ext.bundle_unload_model(stale, model) == 0
    assert acl.mdl.bundle_get_model_id(stale, 0) == (model, 0)


def test_variables_may_lie_in_the_programs_memory(program: Any, ext: Any, path: str) -> None:
    place = program.ok(*program.acl.rt.malloc(VARIABLES, 2))
    assert ext.bundle_init_from_file(path, place, VARIABLES - 1) == (0, 100000)
    bundle = program.ok(*ext.bundle_init_from_file(path, place, VARIABLES))
    init = program.ok(*ext.bundle_load_model(bundle, 1))
    _initialise(program, init)
    assert program.from_device(place, 48).tolist() == list(range(12))
    assert program.acl.mdl.bundle_unload(bundle) == 0
    assert program.acl.rt.free(place) == 0


def test_models_of_a_bundle_may_lie_in_the_programs_memory(
    program: Any, ext: Any, path: str
) -> None:
    acl, info = program.acl, ext.bundle_create_query_info()
    data = Path(path).read_bytes()
    pointer = acl.util.bytes_to_ptr(data)
    bundle = program.ok(*ext.bundle_init_from_mem(pointer, len(data), 0, 0))
    assert ext.bundle_query_info_from_file(path, info) == 0
    work, weights = program.ok(*ext.bundle_get_size(info, 1))
    places = [(program.ok(*acl.rt.malloc(size, 2)), size) for size in (work, weights)]
    loaded = ext.bundle_load_model_with_mem(bundle, 1, *places[0], *places[1])
    _initialise(program, program.ok(*loaded))
    refused = ext.bundle_load_model_with_mem(bundle, 1, *places[0], places[1][0], weights - 1)
    assert refused == (0, 145000)
    config = acl.mdl.create_config_handle()
    for option, value in ((7, places[0][0]), (8, work)):
        assert acl.mdl.set_config_opt(config, option, value) == 0
    infer = program.ok(*ext.bundle_load_model_with_config(bundle, 0, config))
    assert _infer(program, infer)[1] == 0


def test_a_file_that_is_written_to_reaches_no_model(
    program: Any, ext: Any, path: str, refresh_weights: dict[str, Array]
) -> None:
    """Neither those that are loaded nor, as a mixture of two files, those that come later."""
    bundle = program.ok(*program.acl.mdl.bundle_load_from_file(path))
    infer, init, _ = (program.ok(*program.acl.mdl.bundle_get_model_id(bundle, i)) for i in range(3))
    with open(path, "r+b") as file:
        size = file.seek(0, 2)
        file.seek(0)
        file.write(bytes(size))
    _initialise(program, init)
    wanted = A @ refresh_weights["w0"] + refresh_weights["w1"]
    np.testing.assert_array_equal(_infer(program, infer)[0], wanted)
    assert ext.bundle_load_model(bundle, 0) == (0, 500002)
    assert "has been changed in its place" in program.acl.get_recent_err_msg()


def test_a_file_that_is_replaced_stays_what_it_was(
    program: Any, ext: Any, path: str, tmp_path: Path
) -> None:
    bundle = program.ok(*ext.bundle_init_from_file(path, 0, 0))
    (tmp_path / "other").write_bytes(b"something else")
    (tmp_path / "other").rename(path)
    program.ok(*ext.bundle_load_model(bundle, 0))


def test_loading_and_unloading_leaves_nothing(program: Any, ext: Any, path: str) -> None:
    free = program.acl.rt.get_mem_info(1)
    for _ in range(100):
        bundle = program.ok(*program.acl.mdl.bundle_load_from_file(path))
        _initialise(program, program.ok(*program.acl.mdl.bundle_get_model_id(bundle, 1)))
        program.ok(*ext.bundle_load_model(bundle, 0))
        assert program.acl.mdl.bundle_unload(bundle) == 0
    assert program.acl.rt.get_mem_info(1) == free


def test_a_bundle_with_a_broken_model_does_not_load(
    program: Any, path: str, refresh_bundle: bytes
) -> None:
    free = program.acl.rt.get_mem_info(1)
    # The last model ends where the file does: what is cut off is missing there.
    broken = bytearray(refresh_bundle)
    start = refresh_bundle.rindex(b"w1_var_then_assign")
    broken[start : start + 40] = bytes(40)
    Path(path).write_bytes(broken)
    assert program.acl.mdl.bundle_load_from_file(path)[1] != 0
    assert program.acl.rt.get_mem_info(1) == free


def test_the_extension_is_installed_with_acl(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(sys.modules)
    try:
        install()
        assert callable(import_module("ascend_opt_acl").bundle_load_model)
    finally:
        for name in set(sys.modules) - set(before):
            if name.split(".")[0] in ("acl", "ascend_opt_acl"):
                del sys.modules[name]
