"""Years of real prices through the whole day, as a user would: a copy of the folder, three commands (make prove)."""

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.homes import afterclose, day_bytes, tree_bytes

pytestmark = [pytest.mark.prove, pytest.mark.real_data]

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("AFTERCLOSE_REAL_DATA", ROOT.parent / "shared" / "data"))
MONDAY_OF_THE_CRASH = pd.Timestamp("2020-03-16").date()
FRIDAY_BEFORE = "2020-03-13"


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A folder of real data as a user keeps it, and a home that imported it and trained on it."""
    if not (FOLDER / "prices.parquet").exists():
        pytest.skip(f"no real data in {FOLDER}")
    folder = tmp_path_factory.mktemp("real") / "my data"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("delisted*", "price_revisions*", "README*"))
    folder.chmod(0o755)
    home = folder.parent / "home"
    environ = {"AFTERCLOSE_DATA__PROVIDER": "files", "AFTERCLOSE_DATA__FILES__PATH": str(folder)}
    imported = afterclose("data", "import", str(folder), home=home, **environ)
    assert imported.returncode == 0, imported.stderr
    trained = afterclose("weekly", "--quick", "--date", FRIDAY_BEFORE, home=home, **environ)
    assert trained.returncode == 0, trained.stderr
    return folder, home, environ


def run_crash_day(home, environ):
    result = afterclose("daily", "--date", str(MONDAY_OF_THE_CRASH), home=home, **environ)
    assert result.returncode == 0, result.stderr
    return home / "live" / str(MONDAY_OF_THE_CRASH)


def test_a_day_of_the_crash_runs_through_and_names_who_is_quarantined_and_why(real):
    _, home, environ = real

    day = run_crash_day(home, environ)

    signals = json.loads((day / "signals.json").read_text())
    log = json.loads((day / "monitoring_log.json").read_text())
    report = (day / "report.html").read_text()
    quarantined = log["data_quality"]["quarantined"]
    assert signals["regime"]["state"] == "CRASH"
    assert len(quarantined) > 0
    assert all(symbol in report for symbol in quarantined)


def test_the_day_is_the_same_where_the_data_ends_with_it(real, tmp_path):
    folder, home, environ = real
    until = tmp_path / "until"
    until.mkdir()
    for path in folder.iterdir():
        if path.name in {
            "prices.parquet",
            "benchmark.parquet",
            "corporate_actions.parquet",
            "riskfree.parquet",
        }:
            frame = pd.read_parquet(path)
            frame[frame["date"] <= MONDAY_OF_THE_CRASH].to_parquet(until / path.name)
        else:
            shutil.copy(path, until)
    shutil.copytree(home / "production", tmp_path / "home" / "production")
    short = {**environ, "AFTERCLOSE_DATA__FILES__PATH": str(until)}
    imported = afterclose("data", "import", str(until), home=tmp_path / "home", **short)
    assert imported.returncode == 0, imported.stderr

    run_crash_day(home, environ)
    run_crash_day(tmp_path / "home", short)

    assert day_bytes(tmp_path / "home", MONDAY_OF_THE_CRASH) == day_bytes(home, MONDAY_OF_THE_CRASH)


def test_importing_the_same_folder_again_changes_nothing(real):
    folder, home, environ = real
    before = tree_bytes(home / "data" / "lake")

    again = afterclose("data", "import", str(folder), home=home, **environ)

    assert again.returncode == 0, again.stderr
    assert tree_bytes(home / "data" / "lake") == before
