"""A whole day on a lake in a bucket is, to the byte, the day on the same lake in a folder."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from tasks.core.homes.home import Home
from tasks.data.upkeep.backup import back_up, restore
from tests.homes import LAST_SESSION, afterclose, clean_environ, day_bytes, run_day

pytestmark = pytest.mark.bucket

RUN = """
import atexit, sys
from flows.start import main
atexit.register(print, "torn down", file=sys.stderr)
sys.exit(main())
"""
AT = datetime(2024, 6, 14, 21, 5, tzinfo=UTC)


@pytest.fixture
def in_bucket(trained_home, bucket_lake, tmp_path):
    """The trained home again, with its lake in a bucket."""
    here, there = Home(trained_home), Home(tmp_path / "there")
    archive = back_up(here, tmp_path, lake=here.lake, at=AT).path
    restore(there, archive, replace=False, lake=bucket_lake)
    settings = yaml.safe_load(there.config_file.read_text())
    settings["data"]["lake"] = bucket_lake
    there.config_file.write_text(yaml.safe_dump(settings))
    return there


@pytest.fixture
def output_of(in_bucket, object_store):
    """Run a command on the home whose lake is in a bucket; return its document."""

    def run(*arguments):
        ended = afterclose("--json", *arguments, home=in_bucket.root, **object_store.environ)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    return run


def test_a_day_on_a_lake_in_a_bucket_is_the_day_on_a_lake_in_a_folder(trained_home, in_bucket, output_of):
    run_day(trained_home)

    output_of("daily", "--date", str(LAST_SESSION))

    assert day_bytes(in_bucket.root) == day_bytes(trained_home)
    assert not in_bucket.lake.exists()


def test_a_full_disk_ends_a_question_about_the_bars_of_a_bucket_with_an_error(in_bucket, object_store):
    """Arrow's threads read on through Python when the answer is abandoned: the interpreter's end crashed."""
    question = "SELECT a.* FROM prices AS a, prices AS b"
    command = [sys.executable, "-c", RUN, "--home", str(in_bucket.root), "sql", question, "--csv"]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            command,
            stdout=full,
            stderr=subprocess.PIPE,
            env=clean_environ(in_bucket.root, object_store.environ),
            text=True,
            check=False,
            timeout=120,
        )

    assert (ended.returncode, "No space left on device" in ended.stderr) == (1, True)
    assert "torn down" not in ended.stderr


@pytest.mark.prove
def test_every_command_on_the_data_goes_where_the_lake_lies(in_bucket, bucket_lake, output_of, tmp_path):
    output_of("daily", "--date", str(LAST_SESSION))
    before = day_bytes(in_bucket.root)

    status = output_of("data", "status")["lake"]
    verified = output_of("data", "verify")
    freed = output_of("data", "vacuum")
    kept = output_of("data", "backup", str(tmp_path / "vault"))
    restored = output_of("data", "restore", kept["archive"], "--replace", "--lake", bucket_lake)
    output_of("daily", "--date", str(LAST_SESSION))

    assert (status["location"], status["last_session"]) == (bucket_lake, str(LAST_SESSION))
    assert verified["bars"] > 0
    assert freed["days_kept"] == [str(LAST_SESSION)]
    assert (restored["lake"], restored["files"]) == (bucket_lake, kept["files"])
    assert day_bytes(in_bucket.root) == before
