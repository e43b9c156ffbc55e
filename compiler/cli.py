"""`ascend-opt`: ONNX, OM or MLIR in, passes in the middle, MLIR or files out; and its commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

from xdsl.utils.exceptions import DiagnosticException, ParseError

from compiler.commands import is_command, run_command
from compiler.diagnostics import USER_ERRORS, one_line
from compiler.endings import collect_rarely, exit_code


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command or the driver; the exit code is 0, or 1 after one line on stderr."""
    collect_rarely()
    return exit_code(partial(_run, argv))


def _run(argv: Sequence[str] | None) -> int:
    model = ""
    argv = sys.argv[1:] if argv is None else argv
    try:
        if is_command(argv):
            return run_command(argv)
        from compiler.driver import AscendOptMain

        driver = AscendOptMain(argv)
        model = driver.args.input_file or ""
        if driver.args.preflight:
            return driver.preflight()
        driver.run()
    except BrokenPipeError:
        raise
    except USER_ERRORS as error:
        # What the IR's own checks find has no file.
        of_ir = isinstance(error, DiagnosticException) and not isinstance(error, ParseError)
        where = f"{model}: " if model and of_ir else ""
        print(f"ascend-opt: error: {where}{one_line(error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
