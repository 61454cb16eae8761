"""A process that asked for it ends without the interpreter's own end, its output written and its code kept."""

import subprocess
import sys

import pytest

PROGRAM = """
import atexit, sys
from tasks.monitoring.views.process_end import end_abruptly, end_process
atexit.register(print, "torn down", file=sys.stderr)
print("written")
{ask}
sys.exit(end_process(3))
"""


@pytest.mark.parametrize(("ask", "torn_down"), [("", "torn down\n"), ("end_abruptly()", "")])
def test_the_code_and_the_output_are_kept(ask, torn_down):
    command = [sys.executable, "-c", PROGRAM.format(ask=ask)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (found.returncode, found.stdout, found.stderr) == (3, "written\n", torn_down)
