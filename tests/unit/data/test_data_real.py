"""Twenty years of the real market come in, and a past day reads the same whether the data ends there or goes on."""

import os
from datetime import date
from pathlib import Path

import pytest

from tasks.data.audit import verify_lake
from tasks.data.task import import_folder, refresh_market
from tests.builders import make_run

REAL_DATA = Path(os.environ.get("AFTERCLOSE_REAL_DATA", Path(__file__).parents[4] / "shared" / "data"))

pytestmark = [
    pytest.mark.prove,
    pytest.mark.real_data,
    pytest.mark.skipif(not (REAL_DATA / "prices.parquet").is_file(), reason="the real data is not there"),
]


def test_a_day_of_the_crash_reads_the_same_from_a_lake_that_ends_there_and_one_that_goes_on(tmp_path):
    settings = {"data.provider": "files", "data.files.path": REAL_DATA}
    crash = date(2020, 3, 16)
    imported = import_folder(make_run(tmp_path / "long", date(2024, 6, 14), **settings), REAL_DATA)
    refresh_market(make_run(tmp_path / "short", date(2020, 3, 13), **settings))

    ends_there = refresh_market(make_run(tmp_path / "short", crash, **settings))
    goes_on = refresh_market(make_run(tmp_path / "long", crash, **settings))

    assert imported.bars + imported.set_aside == 2_402_891
    assert goes_on.snapshot.id == ends_there.snapshot.id
    assert goes_on.findings == ends_there.findings
    assert goes_on.universe_size > 400
    assert "OXY" in goes_on.quarantined
    verified = verify_lake(make_run(tmp_path / "long", date(2021, 4, 21), **settings))
    assert verified.by_rule["unannounced_split"] == imported.findings["unannounced_split"]
