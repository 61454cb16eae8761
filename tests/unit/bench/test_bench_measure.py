import sys

import pytest

from tests.bench.measure import inside


def test_the_seconds_that_a_command_prints_are_read_and_its_memory_is_counted():
    hundred_mb = "held = bytes(range(256)) * 400_000; print([0.5, 0.25])"

    seconds, peak_mb = inside([sys.executable, "-c", hundred_mb])

    assert seconds == [0.5, 0.25]
    assert 100 < peak_mb < 20_000  # what the process that runs the tests holds is counted in


def test_a_command_that_fails_stops_the_bench():
    with pytest.raises(SystemExit, match="ended with 3"):
        inside([sys.executable, "-c", "raise SystemExit(3)"])
