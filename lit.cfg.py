# pyright: reportUndefinedVariable=false, reportUnknownMemberType=false
# ruff: noqa: F821
"""How lit runs the FileCheck tests: `lit test` from the repository root. lit provides `config`."""

import os
import sys

import lit.formats

config.name = "ascend-opt"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.test_source_root, ".lit")
tools = os.path.dirname(sys.executable)
config.environment["PATH"] = os.pathsep.join((tools, os.environ["PATH"]))
