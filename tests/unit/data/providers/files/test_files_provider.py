"""The folder of files that a user keeps."""

from datetime import date

import pandas as pd
import pytest

from tasks.core.errors import ConfigError, DataError
from tasks.data.providers.files.provider import FilesProvider
from tasks.data.schema.columns import ALWAYS, COLUMNS
from tests.builders import FRIDAY
from tests.deliveries import make_bars, make_delivery
from tests.unit.data.folders import write_folder, write_table

PRICES = "symbol,date,open,high,low,close,volume\n"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_folder_says_what_was_written_into_it(tmp_path, suffix):
    delivery = make_delivery()

    read = FilesProvider(write_folder(tmp_path, delivery, suffix=suffix)).fetch(after=None, through=FRIDAY)

    for name in set(COLUMNS) - {"listings", "levels", "fundamentals"}:
        pd.testing.assert_frame_equal(read.table(name), delivery.table(name), check_like=True)
    assert read.listings["available_date"].dt.year.unique().tolist() == [
        1900
    ]  # an undated file is always true
    assert set(read.levels["name"]) == {"SPY", "^VIX"}
    pd.testing.assert_frame_equal(
        read.fundamentals.drop(columns="available_date"),
        delivery.fundamentals.drop(columns="available_date"),
        check_like=True,
    )


def test_tickers_that_look_like_something_else_stay_text(tmp_path):
    rows = "".join(f"{symbol},2024-06-14,1,2,1,2,100\n" for symbol in ("NA", "NAN", "TRUE", "null", "1E5"))
    (tmp_path / "prices.csv").write_text(PRICES + rows)

    bars = FilesProvider(tmp_path).fetch(after=None, through=FRIDAY).bars

    assert bars["symbol"].tolist() == ["NA", "NAN", "TRUE", "NULL", "1E5"]


def test_the_yield_is_the_second_column_whatever_it_is_called(tmp_path):
    write_folder(tmp_path, make_delivery(sessions=20))
    write_table(tmp_path / "riskfree.csv", pd.DataFrame({"date": ["2024-06-14"], "anything": [4.5]}))

    read = FilesProvider(tmp_path).fetch(after=None, through=FRIDAY)

    assert read.riskfree["yield_pct"].tolist() == [4.5]


def test_further_columns_are_ignored_but_figures_of_fundamentals_kept(tmp_path):
    delivery = make_delivery(sessions=20)
    write_folder(tmp_path, delivery)
    figures = delivery.fundamentals.assign(comment="text", shares=7, odd=["", "3"])
    write_table(tmp_path / "fundamentals.csv", figures)
    write_table(
        tmp_path / "prices.csv", delivery.bars.rename(columns={"session": "date"}).assign(adj_close=1.0)
    )

    read = FilesProvider(tmp_path).fetch(after=None, through=FRIDAY)

    assert set(read.fundamentals.columns) - {"symbol", "end_date", "available_date"} == {
        "eps",
        "book",
        "shares",
        "odd",
    }
    assert "adj_close" not in read.bars.columns


@pytest.mark.parametrize("missing", ["symbol", "date", "close", "volume"])
def test_a_missing_column_is_named_with_its_file_and_what_was_found(tmp_path, missing):
    frame = make_delivery(sessions=20).bars.rename(columns={"session": "date"}).drop(columns=missing)
    write_table(tmp_path / "prices.csv", frame)

    with pytest.raises(DataError, match=rf"prices\.csv has no column '{missing}' \(found: .*open"):
        FilesProvider(tmp_path).fetch(after=None, through=FRIDAY)


@pytest.mark.parametrize(
    ("line", "reported"),
    [
        ("A,2024-06-14,1,2,1,abc,100\n", "column 'close'.*abc"),
        ('A,2024-06-14,1,2,1,"1,5",100\n', "column 'close'"),
        ("A,14.06.2024,1,2,1,2,100\n", "column 'date'.*14.06.2024"),
        ("A,,1,2,1,2,100\n", "column 'date': 1 row without a date"),
        ("A,2024-06-14,1,2\n", "cannot be read"),
    ],
)
def test_a_cell_that_is_not_a_number_or_date_is_an_error_that_names_the_column(tmp_path, line, reported):
    (tmp_path / "prices.csv").write_text(PRICES + line)

    with pytest.raises(DataError, match=reported):
        FilesProvider(tmp_path).fetch(after=None, through=FRIDAY)


def test_a_folder_without_prices_or_with_two_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"neither prices\.parquet nor prices\.csv"):
        FilesProvider(tmp_path)
    with pytest.raises(ConfigError, match="is not a directory"):
        FilesProvider(tmp_path / "absent")

    for suffix in ("csv", "parquet"):
        write_folder(tmp_path, make_delivery(sessions=20), suffix=suffix)
    with pytest.raises(ConfigError, match=r"both prices\.parquet and prices\.csv"):
        FilesProvider(tmp_path)


def test_make_bars_reads_as_it_looks():
    assert make_bars(("A", FRIDAY, 10)).iloc[0].tolist() == [
        "A",
        pd.Timestamp(FRIDAY),
        10,
        10,
        10,
        10,
        1_000_000,
    ]


def test_a_company_has_the_sector_that_it_had_on_the_day(tmp_path):
    folder = write_folder(tmp_path, make_delivery(symbols=2))
    rows = ["symbol,first_seen_with_new_sector,old_sector,new_sector", "S01,2024-05-01,Utilities,Energy"]
    (folder / "sector_changes.csv").write_text("\n".join(rows))
    provider = FilesProvider(folder)

    before, after = (
        provider.fetch(after=None, through=day).listings for day in (date(2024, 4, 30), date(2024, 5, 2))
    )

    assert before[["symbol", "sector"]].to_numpy().tolist() == [["S00", "Energy"], ["S01", "Utilities"]]
    assert after.loc[after["symbol"] == "S01", "sector"].tolist() == ["Utilities", "Energy"]
    dated = after[after["available_date"] == pd.Timestamp(2024, 5, 1)]
    assert dated[["symbol", "sector"]].to_numpy().tolist() == [["S00", "Energy"], ["S01", "Energy"]]


# issue 12
def test_a_sector_without_a_list_of_changes_is_undated(tmp_path):
    folder = write_folder(tmp_path, make_delivery(symbols=2))

    listings = FilesProvider(folder).fetch(after=None, through=FRIDAY).listings

    assert (listings["available_date"] == ALWAYS).all()


# issue 12
def test_a_filing_is_used_from_the_session_after_it_became_public(tmp_path):
    folder = write_folder(tmp_path, make_delivery(symbols=2))
    days = ("2024-05-03", "2024-05-04", "2024-05-07")  # a Friday, a Saturday, a Tuesday
    rows = [f"S00,2024-0{month}-28,{day},{month}e6" for month, day in zip((1, 2, 3), days, strict=True)]
    (folder / "fundamentals.csv").write_text("\n".join(["symbol,end_date,available_date,earnings", *rows]))
    provider = FilesProvider(folder)

    def seen(through):
        frame = provider.fetch(after=None, through=through).fundamentals
        return [(row.available_date.date(), row.earnings) for row in frame.itertuples()]

    assert seen(date(2024, 5, 3)) == []
    assert seen(date(2024, 5, 6)) == [(date(2024, 5, 6), 1e6), (date(2024, 5, 6), 2e6)]
    assert seen(date(2024, 5, 8))[-1] == (date(2024, 5, 8), 3e6)


# issue 12
def test_renames_are_read_with_both_symbols_in_their_canonical_spelling(tmp_path):
    folder = write_folder(tmp_path, make_delivery(symbols=2))
    rows = ["old_symbol,new_symbol,date", " hrs,LHX,2019-07-01", "HCP,PEAK,2030-01-02"]
    (folder / "renames.csv").write_text("\n".join(rows))
    provider = FilesProvider(folder)

    renames = provider.fetch(after=None, through=FRIDAY).renames

    assert "renames" in provider.capabilities
    assert renames.to_numpy().tolist() == [["HRS", "LHX", pd.Timestamp(2019, 7, 1)]]


# issue 10, line 15
def test_a_sector_is_written_as_gics_does_and_what_gics_does_not_know_is_said(tmp_path, caplog):
    folder = write_folder(tmp_path, make_delivery(sessions=20))
    rows = [
        "health care",
        "HealthCare",
        " Information  Technology ",
        "Telecommunication Services",
        "Tech",
        "",
    ]
    lines = [f"S{number:02d},Company,{sector}" for number, sector in enumerate(rows)]
    (folder / "sectors.csv").write_text("\n".join(["symbol,name,gics_sector", *lines]) + "\n")
    provider = FilesProvider(folder)

    listings = provider.fetch(after=None, through=FRIDAY).listings

    assert listings["sector"].tolist() == [
        "Health Care",
        "Health Care",
        "Information Technology",
        "Telecommunication Services",
        "",
        "",
    ]
    assert provider.unknown_sectors == {"Tech": 1}
    assert "sectors that GICS does not define count as unknown: 'Tech' (1 row)" in caplog.text


# issue 10, line 15
def test_a_change_to_a_sector_that_gics_does_not_know_is_said(tmp_path):
    folder = write_folder(tmp_path, make_delivery(sessions=20))
    rows = ["symbol,first_seen_with_new_sector,old_sector,new_sector", "S01,2024-05-01,utilities,Energetic"]
    (folder / "sector_changes.csv").write_text("\n".join(rows) + "\n")
    provider = FilesProvider(folder)

    listings = provider.fetch(after=None, through=FRIDAY).listings

    assert provider.unknown_sectors == {"Energetic": 1}
    assert listings.loc[listings["symbol"] == "S01", "sector"].tolist() == ["Utilities", ""]
