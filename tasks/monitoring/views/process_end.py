"""End the process without the interpreter's shutdown, in which a library's threads may still call Python.

During the shutdown such a call hangs or crashes the process, and its exit code is lost.
"""

import os
import sys
from contextlib import suppress

_is_needed = False


def end_abruptly() -> None:
    """Let `end_process` end this process: from now on, threads that nobody can stop may call Python."""
    global _is_needed  # noqa: PLW0603 - it is a state of the process
    _is_needed = True


def end_process(code: int) -> int:
    """Return the code; if something asked for it, end the process with it once all output is written."""
    if _is_needed:
        for stream in (sys.stdout, sys.stderr):
            with suppress(
                OSError, ValueError
            ):  # a full disk was reported already; a closed stream has nothing left
                stream.flush()
        os._exit(code)
    return code
