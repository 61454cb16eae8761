import ast
import subprocess
import sys

import pytest

from tests.bench.measure import inside


def test_the_seconds_that_a_command_prints_are_read_and_its_memory_is_counted():
    hundred_mb = "held = bytes(range(256)) * 400_000; print([0.5, 0.25])"

    measuring = f"from tests.bench.measure import inside; print(inside({[sys.executable, '-c', hundred_mb]}))"

    # by a small process: the system counts what the measuring one holds in
    printed = subprocess.run(
        [sys.executable, "-c", measuring], check=True, capture_output=True, text=True
    ).stdout
    seconds, peak_mb = ast.literal_eval(printed)

    assert seconds == [0.5, 0.25]
    assert 100 < peak_mb < 2_000


def test_a_command_that_fails_stops_the_bench():
    with pytest.raises(SystemExit, match="ended with 3"):
        inside([sys.executable, "-c", "raise SystemExit(3)"])
