"""`atc`: the command line of Ascend's model converter over this compiler's pipelines."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

from compiler.atc.errors import AtcError, render, render_inner
from compiler.atc.options import UsageError, check_values, parse, usage
from compiler.endings import exit_code

START = "ATC start working now, please wait for a moment."
SUCCESS = "ATC run success, welcome to the next use.\n"
FAILURE = "ATC run failed, Please check the detail log, Try 'atc --help' for more information"
FAILED = 255


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ATC; the exit code is 0, or 255 after an error on the screen."""
    return exit_code(partial(_run, arguments))


def _run(arguments: Sequence[str] | None) -> int:
    print(START)
    try:
        options = parse(sys.argv[1:] if arguments is None else arguments)
        if options is None:
            print(usage())
            return 0
        check_values(options)
        _run_mode(options)
    except UsageError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        print(f"{FAILURE}\n")
        return FAILED
    except AtcError as error:
        return _fail(render(error))
    except BrokenPipeError:
        raise
    except Exception as error:
        from compiler.diagnostics import USER_ERRORS, one_line

        if not isinstance(error, USER_ERRORS):
            raise
        return _fail(render_inner(one_line(error)))
    print("...")
    print(SUCCESS)
    return 0


READING = frozenset({"1", "5", "6"})
"""The modes that read offline models."""


def _run_mode(options: dict[str, str]) -> None:
    if options.get("mode") in READING:
        from compiler.atc import reading

        reading.run(options)
        return
    from compiler.atc import build, precheck

    if options.get("mode") == "3":
        build.check(options)
        precheck.run(options)
    else:
        build.build(options)


def _fail(text: str) -> int:
    print("...")
    print(FAILURE)
    print(text)
    return FAILED
