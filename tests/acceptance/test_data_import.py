"""The folder of files that a user keeps, taken into the lake."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from flows.cli.app import answer
from flows.operations.homes.quarantine_words import quarantine_lines
from tasks.core.errors import ConfigError, DataError
from tasks.data.intake.import_quarantine import InQuarantine, SharedFinding
from tasks.data.intake.imports import import_folder
from tasks.data.lake.head import read_head
from tasks.data.lake.storage.location import lake_of
from tasks.data.lake.store import make_snapshot
from tasks.data.panel.coverage import coverage_by_year
from tasks.data.panel.reader import panel_rules, read_prices
from tasks.data.task import refresh_market
from tests.builders import FRIDAY, make_run
from tests.deliveries import SMALL, days_of, make_delivery, small_run
from tests.unit.data.folders import write_folder, write_table


def test_an_import_and_a_refresh_of_a_past_day_see_the_same_market(tmp_path):
    delivery = make_delivery()
    folder = write_folder(tmp_path / "folder", delivery, suffix="parquet")
    settings = {**SMALL, "data.provider": "files", "data.files.path": folder}
    day = days_of(delivery)[40]
    after_import, alone = (make_run(tmp_path / name, day, **settings) for name in ("imported", "alone"))

    imported = import_folder(make_run(tmp_path / "imported", FRIDAY, **settings), folder)

    assert (imported.bars, imported.first_session, imported.last_session) == (
        360,
        days_of(delivery)[0],
        FRIDAY,
    )
    assert refresh_market(after_import).snapshot.id == refresh_market(alone).snapshot.id


# issue 12, done when 4
def test_a_name_that_sectors_list_before_it_trades_does_not_change_the_snapshot(tmp_path):
    delivery = make_delivery()
    folders = [write_folder(tmp_path / name, delivery) for name in ("then", "later")]
    with (folders[1] / "sectors.csv").open("a") as file:
        file.write("S99,Company S99,Energy,large,2024-06-14\n")

    ids = [
        refresh_market(
            small_run(folder / "home", **{"data.provider": "files", "data.files.path": folder})
        ).snapshot.id
        for folder in folders
    ]

    assert ids[0] == ids[1]


def test_a_second_import_of_the_same_folder_changes_nothing(tmp_path):
    folder = write_folder(tmp_path / "folder", make_delivery(sessions=30))
    run = small_run(tmp_path / "home")
    import_folder(run, folder)
    head = (run.home.lake / "head.json").read_bytes()

    again = import_folder(run, folder)

    assert (again.bars, again.restated) == (0, 0)
    assert (run.home.lake / "head.json").read_bytes() == head


def test_a_corrected_price_is_imported_again_and_older_days_are_unchanged(tmp_path):
    delivery = make_delivery(sessions=30)
    files = {"data.provider": "files"}
    run = small_run(tmp_path / "home", **files)
    folder = write_folder(tmp_path / "folder", delivery)
    import_folder(run, folder)
    day = days_of(delivery)[10]
    early = small_run(tmp_path / "home", day, **files)
    before = refresh_market(early)

    bars = delivery.bars.copy()
    bars.loc[bars["session"] == pd.Timestamp(day), ["open", "high", "low", "close"]] *= 1.001
    write_table(folder / "prices.csv", bars.rename(columns={"session": "date"}))
    again = import_folder(run, folder)

    assert (again.bars, again.restated) == (0, 6)
    assert refresh_market(early) == refresh_market(early)
    assert refresh_market(early).snapshot.id == before.snapshot.id
    restated = [finding for finding in refresh_market(run).findings if finding.rule == "restated"]
    assert "6 bars changed" in restated[0].evidence


def test_the_import_ends_with_the_last_price_of_the_folder(tmp_path):
    delivery = make_delivery(sessions=30, last=date(2024, 6, 10))

    imported = import_folder(small_run(tmp_path / "home"), write_folder(tmp_path / "folder", delivery))

    assert imported.last_session == date(2024, 6, 10)


# issue 10, line 15
def test_a_session_that_the_lake_holds_is_refused_with_another_provider_too(tmp_path):
    import_folder(small_run(tmp_path / "home"), write_folder(tmp_path / "folder", make_delivery(sessions=30)))

    with pytest.raises(ConfigError, match=r"Set data\.provider to files, or use another home"):
        refresh_market(small_run(tmp_path / "home"))


# issue 10, line 15
def test_a_session_before_the_lake_begins_is_an_error(tmp_path):
    files = {"data.provider": "files"}
    import_folder(
        small_run(tmp_path / "home", **files), write_folder(tmp_path / "folder", make_delivery(sessions=30))
    )

    with pytest.raises(DataError, match=r"begins on 2024-05-03, after 1999-01-04\. Specify a later date"):
        refresh_market(small_run(tmp_path / "home", date(1999, 1, 4), **files))


def test_one_provider_is_not_mixed_into_the_lake_of_another(tmp_path):
    folder = write_folder(tmp_path / "folder", make_delivery(sessions=30, last=date(2024, 6, 10)))
    import_folder(small_run(tmp_path / "home"), folder)

    with pytest.raises(ConfigError, match="holds data from the provider files"):
        refresh_market(small_run(tmp_path / "home", **{"data.simulated.symbols": 20}))


# issue 10, line 10
@pytest.mark.parametrize(("known", "without"), [(0, 4), (3, 1), (4, 0)])
def test_an_import_counts_the_names_without_a_sector(tmp_path, known, without):
    delivery = make_delivery()
    folder = write_folder(tmp_path / "files", delivery)
    symbols = sorted(delivery.bars["symbol"].unique())
    lines = [f"{symbol},Company,Energy" for symbol in symbols[: len(symbols) * known // 4]]
    (folder / "sectors.csv").write_text("\n".join(["symbol,name,gics_sector", *lines]) + "\n")

    imported = import_folder(small_run(tmp_path / "home"), folder)

    assert imported.symbols == len(symbols)
    assert imported.without_sector == len(symbols) - len(symbols) * known // 4
    assert (without == 0) == (imported.without_sector == 0)


# issue 12
@pytest.mark.parametrize(("changes", "dated"), [("", 0), ("S01,2024-05-01,Utilities,Energy", None)])
def test_an_import_counts_the_names_whose_sector_has_a_date(tmp_path, changes, dated):
    delivery = make_delivery()
    folder = write_folder(tmp_path / "files", delivery)
    if changes:
        header = "symbol,first_seen_with_new_sector,old_sector,new_sector"
        (folder / "sector_changes.csv").write_text(f"{header}\n{changes}\n")

    imported = import_folder(small_run(tmp_path / "home"), folder)

    assert imported.with_dated_sector == (imported.symbols if dated is None else dated)


# issue 12
def test_members_without_prices_are_counted_by_year_under_any_name_they_had(tmp_path):
    delivery = make_delivery()
    folder = write_folder(tmp_path / "files", delivery)
    names = sorted(delivery.bars["symbol"].unique())
    spells = [f"{name},2000-01-03," for name in names[1:]]
    spells += ["OLD,2000-01-03,2024-12-31", "GONE,2000-01-03,"]
    (folder / "membership.csv").write_text("\n".join(["symbol,start_date,end_date", *spells]) + "\n")
    (folder / "renames.csv").write_text(f"old_symbol,new_symbol,date\nOLD,{names[0]},2024-06-03\n")
    run = small_run(tmp_path / "home", **{"data.provider": "files", "data.files.path": folder})
    import_folder(run, folder)

    coverage = coverage_by_year(refresh_market(run).snapshot, np.array(days_of(delivery), "datetime64[D]"))

    assert [(each.members, each.priced) for each in coverage] == [(len(names) + 1, len(names))]


def with_filler_bars(delivery, *days):
    """Return the delivery with the previous close of every name on days on which the exchange was closed."""
    last = delivery.bars.sort_values("session").drop_duplicates("symbol", keep="last")
    fillers = [last.assign(session=pd.Timestamp(day), volume=0.0) for day in days]
    return replace(delivery, bars=pd.concat([delivery.bars, *fillers], ignore_index=True))


def test_an_import_names_a_finding_of_closed_days_that_all_names_share(tmp_path):
    delivery = with_filler_bars(make_delivery(), "2024-03-29", "2024-05-27")
    folder = write_folder(tmp_path / "folder", delivery)

    imported = import_folder(small_run(tmp_path / "home"), folder)

    (shared,) = imported.shared_findings
    assert shared == SharedFinding(
        "non_trading_day", (date(2024, 3, 29), date(2024, 5, 27)), is_closed=True, names=6, of=6, sessions=12
    )
    assert imported.in_quarantine == ()
    assert next(quarantine_lines(imported)).startswith(
        "non_trading_day on 2 days, the last 2024-05-27, concerns 6 of 6 names. They are in quarantine, and not "
        "bought in backtests either, on 12 sessions. The exchange was closed on these days: delete these bars"
    )
    again = import_folder(small_run(tmp_path / "home"), folder)
    assert again.shared_findings == imported.shared_findings


def test_the_names_that_a_shared_finding_keeps_in_quarantine_are_not_bought_in_the_past(tmp_path):
    delivery = make_delivery()
    runs = []
    for name, files in (("as it is", delivery), ("filled", with_filler_bars(delivery, "2024-05-27"))):
        run = small_run(tmp_path / name)
        import_folder(run, write_folder(tmp_path / f"{name} files", files))
        head = read_head(lake_of(run.home, run.settings))
        snapshot = make_snapshot(lake_of(run.home, run.settings), head, FRIDAY, panel_rules(run.settings))
        runs.append(read_prices(snapshot, window=20).is_member.any(axis=1))

    assert runs[0].sum() - runs[1].sum() == 6


def test_an_import_names_what_is_in_quarantine_until_when_and_why(tmp_path):
    delivery = with_filler_bars(make_delivery(last=date(2024, 5, 30)), "2024-05-27")
    is_other = (delivery.bars["session"] == "2024-05-27") & ~delivery.bars["symbol"].isin(["S03", "S04"])
    folder = write_folder(tmp_path / "folder", replace(delivery, bars=delivery.bars[~is_other]))

    imported = import_folder(small_run(tmp_path / "home"), folder)

    assert imported.in_quarantine == (
        InQuarantine("non_trading_day", date(2024, 5, 27), date(2024, 6, 4), ("S03", "S04")),
    )
    assert imported.shared_findings == ()
    (line,) = quarantine_lines(imported)
    assert line == (
        "In quarantine after 2024-05-30, not bought: 2 names: S03, S04 until 2024-06-04 "
        "(non_trading_day on 2024-05-27)."
    )


def test_the_command_prints_what_it_left_in_quarantine(tmp_path, capsys):
    folder = write_folder(tmp_path / "folder", with_filler_bars(make_delivery(), "2024-05-27"))

    assert answer(["--home", str(tmp_path / "home"), "data", "import", str(folder)]) == 0

    assert "non_trading_day on 2024-05-27 concerns 6 of 6 names." in capsys.readouterr().out
