"""A week and a day are the same bytes whether the folder ends with the day or holds everything that came later (D9)."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from tasks.core.sessions import sessions_between
from tasks.simulation.parameters import Parameters
from tasks.simulation.provider import SimulatedProvider
from tests.real_market import REAL_DATA
from tests.truncation import DATED_BY, as_of, last_stored, random_sessions, week_and_day, write
from tests.unit.data.folders import RENAMED

pytestmark = pytest.mark.slice

# no gate on t, so that a learner that beats the best single feature becomes champion and its bytes are compared
MODELS = {
    "train_sessions": 378,
    "min_train_sessions": 126,
    "test_sessions": 42,
    "folds": 4,
    "min_t_statistic": -99.0,
    "max_train_test_gap": 1.0,
}
EXPECTED = {
    "data/features/",
    "data/work/",
    "live/manifest.json",
    "live/monitoring_log.json",
    "live/portfolio_weights.csv",
    "live/report.html",
    "live/signals.json",
    "live/tickets.json",
    "live/trades.csv",
    "production/champion_metadata.json",
    "production/champion_model.",
    "reports/model_selection/feature_checks.csv",
    "reports/model_selection/model_selection_report.md",
    "reports/model_selection/training_comparison.csv",
}


def assert_knows_nothing_later(folder, day, place, *, candidates):
    """Train and publish from the folder as of the day, and from the whole of it; compare every file.

    Then import the whole folder into the first home too, and run week and day again.
    """
    last = folder["prices"]["date"].max().date()
    settings = {"models": MODELS | {"quick_candidates": candidates}}
    short, whole = write(as_of(folder, day), place / "short"), write(folder, place / "whole")

    then = week_and_day(place / "then", short, day, settings)
    last_then = last_stored(place / "then")
    now = week_and_day(place / "now", whole, day, settings)
    grown = week_and_day(place / "then", whole, day, settings)

    assert (last_then, last_stored(place / "now"), last_stored(place / "then")) == (day, last, last)
    assert [name for name in EXPECTED if not any(path.startswith(name) for path in then)] == []
    assert differing(then, now) == []
    assert differing(then, grown) == []


def differing(one, other):
    return [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]


# --- a simulated market of two years and a half, and half a year more

SIMULATED = Parameters(seed=7, symbols=40, first_session=date(2021, 1, 4), information_coefficient=0.2)
SIMULATED_DAY, LATEST = date(2023, 7, 14), date(2024, 1, 26)


def simulated_folder():
    """Return a folder with leavers, joiners, and a rename and a change of sector before the day and after it."""
    delivery = SimulatedProvider(SIMULATED).fetch(after=None, through=LATEST)
    folder = {stem: delivery.table(table).rename(columns=names) for stem, (table, names) in RENAMED.items()}
    sectors = folder["sectors"].drop_duplicates("symbol")[["symbol", "name", "gics_sector"]]
    at_the_end = folder["prices"].loc[folder["prices"]["date"] == pd.Timestamp(LATEST), "symbol"]
    moved = sectors[sectors["symbol"].isin(at_the_end)][:4]
    days = pd.to_datetime(["2022-03-14", "2023-10-02"])
    changes = moved[:2].rename(columns={"gics_sector": "new_sector"})[["symbol", "new_sector"]]
    changes = changes.assign(old_sector="Utilities", first_seen_with_new_sector=days)
    renames = pd.DataFrame({"old_symbol": moved["symbol"][2:], "new_symbol": ["NEWA", "NEWB"], "date": days})
    for stem in ("prices", "corporate_actions", "fundamentals"):
        folder[stem] = under_the_symbol_of_the_day(folder[stem], renames, DATED_BY[stem])
    under_both = pd.concat([sectors, moved[2:].assign(symbol=["NEWA", "NEWB"])])
    return {**folder, "sectors": under_both, "sector_changes": changes, "renames": renames}


def under_the_symbol_of_the_day(frame, renames, dated_by):
    symbol = frame["symbol"]
    for old, new, day in renames.itertuples(index=False):
        symbol = symbol.mask((symbol == old) & (frame[dated_by] >= day), new)
    return frame.assign(symbol=symbol)


def test_a_week_and_a_day_know_nothing_of_later_days(tmp_path):
    folder = simulated_folder()
    for stem, column in DATED_BY.items():
        later = folder[stem][column] > pd.Timestamp(SIMULATED_DAY)
        assert 0 < later.sum() < len(later), stem

    assert_knows_nothing_later(folder, SIMULATED_DAY, tmp_path, candidates=["lightgbm"])


# --- the real market

OLD, YOUNG, GONE = 54, 12, 8
YEARS = 5
DATES = {"date", "start_date", "end_date", "available_date", "first_seen_with_new_sector"}
DAYS = random_sessions(sessions_between(date(2005, 1, 3), date(2021, 3, 31)), count=10, seed=12)


@pytest.fixture(scope="module")
def real():
    """A folder of real data with 74 names: old ones, younger ones, and some that ceased to trade in 2015 to 2017."""
    if not (REAL_DATA / "prices.parquet").is_file():
        pytest.skip(f"no real data in {REAL_DATA}")
    prices = pd.read_parquet(REAL_DATA / "prices.parquet")
    gone = pd.read_parquet(REAL_DATA / "delisted_2015_2017.parquet")
    membership = pd.read_csv(REAL_DATA / "membership.csv", keep_default_na=False, na_values=[""])
    first = prices.groupby("symbol")["date"].min()
    ever = membership["symbol"].unique()
    rng = np.random.default_rng(12)
    symbols = np.concatenate(
        [
            rng.choice(first.index[first < date(2000, 1, 1)], OLD, replace=False),
            rng.choice(first.index[first >= date(2005, 1, 1)], YOUNG, replace=False),
            rng.choice(np.intersect1d(gone["symbol"], ever), GONE, replace=False),
        ]
    )
    tables = {
        "prices": pd.concat([prices, gone]).drop(columns="adj_close"),
        "corporate_actions": pd.read_parquet(REAL_DATA / "corporate_actions.parquet"),
        "fundamentals": pd.read_parquet(REAL_DATA / "fundamentals_pit_2015_2017.parquet"),
        "sectors": pd.read_csv(REAL_DATA / "sectors.csv", keep_default_na=False),
    }
    few = {stem: frame[frame["symbol"].isin(symbols)] for stem, frame in tables.items()}
    return {
        stem: frame.assign(**{name: pd.to_datetime(frame[name]) for name in frame if name in DATES})
        for stem, frame in {
            **few,
            "membership": membership,
            "sector_changes": pd.read_csv(REAL_DATA / "sector_changes.csv"),
            "benchmark": pd.read_parquet(REAL_DATA / "benchmark.parquet"),
            "riskfree": pd.read_parquet(REAL_DATA / "riskfree.parquet"),
        }.items()
    }


def since(folder, day):
    """Return the folder without prices, actions, levels and yields from before the day."""
    dated = ("prices", "corporate_actions", "benchmark", "riskfree")
    return {**folder, **{stem: folder[stem][folder[stem]["date"] >= pd.Timestamp(day)] for stem in dated}}


@pytest.mark.prove
@pytest.mark.real_data
@pytest.mark.parametrize("day", DAYS, ids=str)
def test_a_week_and_a_day_of_real_data_know_nothing_of_later_days(real, day, tmp_path):
    folder = since(real, day.replace(year=day.year - YEARS, day=1))

    assert_knows_nothing_later(folder, day, tmp_path, candidates=["lightgbm", "xgboost", "random_forest"])
