"""Read a market for measuring: real files, the lake of a home, or a simulation with its truth."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.core.homes.home import Home
from tasks.core.homes.opening import settings_of
from tasks.core.homes.setup import is_set_up
from tasks.data.lake.head import read_head
from tasks.data.lake.storage.location import lake_of
from tasks.data.lake.store import make_snapshot, read_tables
from tasks.data.panel.reader import panel_rules, read_prices
from tasks.data.schema.records import NEWEST_SIMULATION, Panel
from tests.market.measures import Planted, Tape
from tests.simulated import known_market

SYMBOLS, SESSIONS, INFORMATION_COEFFICIENT = (
    500,
    4032,
    0.03,
)  # 16 years; index members are nine tenths of the symbols


def real_tape(folder: Path, first: date = date(2005, 1, 1), last: date = date(2021, 12, 31)) -> Tape:
    """Return the members of the index that the folder has prices of (docs/own-data.md describes the files)."""
    prices = pd.read_parquet(folder / "prices.parquet")
    prices["date"] = pd.to_datetime(prices["date"])
    early = pd.Timestamp(first) - pd.Timedelta(days=400)
    prices = prices[(prices["date"] >= early) & (prices["date"] <= pd.Timestamp(last))]
    wide = {
        name: prices.pivot_table(index="date", columns="symbol", values=name)
        for name in ("open", "high", "low", "close", "adj_close", "volume")
    }
    sessions, symbols = pd.DatetimeIndex(wide["close"].index), wide["close"].columns
    adjusted = wide["adj_close"].to_numpy()
    adjusted = np.where(adjusted > 0, adjusted, np.nan)
    opened = wide["open"].to_numpy() * adjusted / wide["close"].to_numpy()
    returns, overnight = np.full(adjusted.shape, np.nan), np.full(adjusted.shape, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        returns[1:] = np.log(adjusted[1:] / adjusted[:-1])
        overnight[1:] = np.log(opened[1:] / adjusted[:-1])
    levels = pd.read_parquet(folder / "benchmark.parquet").query("symbol == 'SPY'")
    level = pd.Series(levels["adj_close"].to_numpy(), pd.to_datetime(levels["date"])).reindex(sessions)
    spells = pd.read_csv(folder / "membership.csv", parse_dates=["start_date", "end_date"])
    spells.columns = ["symbol", "start", "end"]
    sectors = pd.read_csv(folder / "sectors.csv").drop_duplicates("symbol", keep="last").set_index("symbol")
    inside = np.asarray(sessions >= pd.Timestamp(first))
    is_member = member_mask(spells, sessions, symbols)
    joined, left = turnover(spells, sessions[inside][0], sessions[inside][-1])
    return Tape(
        sessions=sessions.to_numpy(),
        returns=returns,
        overnight=overnight,
        high=wide["high"].to_numpy(),
        low=wide["low"].to_numpy(),
        close=wide["close"].to_numpy(),
        volume=wide["volume"].to_numpy(dtype=float) * wide["close"].to_numpy() / adjusted,
        is_member=is_member & inside[:, None],
        market=np.log(level).diff().to_numpy()[:],
        sector=sectors["gics_sector"].reindex(symbols).fillna("").to_numpy(dtype=str),
        joined_a_year=joined,
        left_a_year=left,
    )


def tape_of(source: str) -> Tape:
    """Return the market of a home, of a folder of files, or of a simulation: `seed:N` or `seed:N:VERSION`."""
    if source.startswith("seed:"):
        seed, _, version = source.removeprefix("seed:").partition(":")
        return simulated_tape(seed=int(seed), version=int(version or NEWEST_SIMULATION))
    folder = Path(source)
    return home_tape(folder) if is_set_up(Home(folder)) else real_tape(folder)


def home_tape(folder: Path) -> Tape:
    """Return the whole market of a home's lake."""
    home = Home(folder)
    settings = settings_of(home, None).settings
    lake = lake_of(home, settings)
    head = read_head(lake)
    if head is None or head.last_session is None:
        raise SystemExit(f"The lake of {folder} is empty. Fill it with `afterclose refresh`.")
    snapshot = make_snapshot(lake, head, head.last_session, panel_rules(settings))
    members = read_tables(lake, head.versions, ("members",), session=head.last_session)["members"]
    return tape_of_panel(read_prices(snapshot, window=None), members)


def simulated_tape(
    *,
    seed: int,
    version: int,
    symbols: int = SYMBOLS,
    sessions: int = SESSIONS,
    information_coefficient: float = INFORMATION_COEFFICIENT,
) -> Tape:
    """Return a simulated market together with what tests know about it."""
    market = known_market(
        seed=seed,
        symbols=symbols,
        sessions=sessions,
        information_coefficient=information_coefficient,
        version=version,
    )
    tape = tape_of_panel(market.panel, market.members)
    own = tape.returns if market.own is None else market.own
    own_overnight = tape.overnight if market.own_overnight is None else market.own_overnight
    planted = Planted(market.expected, own, own_overnight) if information_coefficient else None
    return replace(tape, planted=planted)


def tape_of_panel(panel: Panel, spells: pd.DataFrame) -> Tape:
    """Return the market of a panel; `spells` are the memberships of the index."""
    returns, overnight = np.full(panel.close.shape, np.nan), np.full(panel.close.shape, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        returns[1:] = np.log(panel.close[1:] / panel.close[:-1])
        overnight[1:] = np.log(panel.open[1:] / panel.close[:-1])
        market = np.diff(np.log(panel.market), prepend=np.nan)
    joined, left = turnover(spells, pd.Timestamp(panel.sessions[0]), pd.Timestamp(panel.sessions[-1]))
    return Tape(
        sessions=panel.sessions,
        returns=returns,
        overnight=overnight,
        high=panel.high,
        low=panel.low,
        close=panel.close,
        volume=panel.volume,
        is_member=panel.is_member,
        market=market,
        sector=panel.sector if panel.sector.ndim == 1 else panel.sector[-1],
        joined_a_year=joined,
        left_a_year=left,
    )


def member_mask(spells: pd.DataFrame, sessions: pd.DatetimeIndex, symbols: pd.Index) -> np.ndarray:
    inside = np.zeros((len(sessions), len(symbols)), dtype=bool)
    columns = symbols.get_indexer(pd.Index(spells["symbol"]))
    for column, start, end in zip(columns, spells["start"], spells["end"], strict=True):
        if column >= 0:
            inside[(sessions >= start) & (pd.isna(end) | (sessions < end)), column] = True
    return inside


def turnover(spells: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp) -> tuple[float, float]:
    """Return how many names joined and left an index of 500 per year."""
    years = (last - first).days / 365.25
    middle = first + (last - first) / 2
    size = ((spells["start"] <= middle) & ~(spells["end"] <= middle)).sum()
    joined = spells["start"].between(first + pd.Timedelta(days=7), last).sum()
    left = spells["end"].between(first + pd.Timedelta(days=7), last).sum()
    return joined / years / size * 500, left / years / size * 500
