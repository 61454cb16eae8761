import subprocess
import sys

import pandas as pd
import pytest

from tasks.core.artifacts import load_frame, save_frame
from tasks.core.errors import SafetyError, StorageError
from tasks.core.stage import after_each_stage, before_each_stage, seconds_left, stage, time_limit, timings
from tests.builders import make_run


@stage()
def double(number):
    return 2 * number


def test_without_a_flow_a_stage_is_a_plain_call_and_prefect_is_not_imported():
    program = "import sys, tasks.core.stage; sys.exit('prefect' in sys.modules)"

    assert double(21) == 42
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_seconds_of_a_stage_go_to_whoever_listens():
    with timings() as seconds:
        double(1)

    assert seconds.keys() == {"double"}
    assert seconds["double"] >= 0


# issue 10, line 11
def test_a_stage_may_take_what_is_left_of_the_limit_and_never_no_limit_at_all():
    assert seconds_left() is None

    with time_limit(100):
        assert 0 < seconds_left() <= 100
    with time_limit(1e-9):
        assert seconds_left() == 0.001

    assert seconds_left() is None


def test_an_artifact_that_was_changed_underway_is_refused(tmp_path):
    ref = save_frame(make_run(tmp_path), "scores", pd.DataFrame({"score": [1.0]}))
    assert load_frame(ref)["score"].tolist() == [1.0]

    ref.path.write_bytes(ref.path.read_bytes() + b"x")

    with pytest.raises(StorageError, match="changed during the run"):
        load_frame(ref)


def test_equal_frames_make_equal_artifacts(tmp_path):
    frame = pd.DataFrame({"score": [0.1, 0.2]}, index=["A", "B"])

    one = save_frame(make_run(tmp_path / "one"), "scores", frame)
    other = save_frame(make_run(tmp_path / "other"), "scores", frame.copy())

    assert one.sha256 == other.sha256


def test_a_condition_is_asked_before_each_stage_and_its_error_ends_the_run():
    asked = []

    def refuse():
        asked.append(True)
        if len(asked) == 2:
            raise SafetyError("Stopped.", remedy="Run it again.")

    with before_each_stage(refuse):
        assert double(1) == 2
        with pytest.raises(SafetyError):
            double(2)
    assert double(3) == 6
    assert len(asked) == 2


def test_each_finished_stage_is_reported_to_the_observer():
    reported = []

    with after_each_stage(lambda name, seconds: reported.append((name, seconds >= 0))):
        double(1)
        with pytest.raises(TypeError):
            double(None)
    double(2)

    assert reported == [("double", True)]
