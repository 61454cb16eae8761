"""The stage that explains the day's trades, on a small market with a learner and a decision made before."""

import json
import shutil
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd
import pytest

from config.settings import config_hash
from tasks.core.artifacts import ArtifactRef, load_frame, save_frame
from tasks.core.errors import DataError
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_record
from tasks.core.sessions import session_after, session_on
from tasks.core.versions.source_code import CODE_ROOT, code_fingerprint
from tasks.data.panel.reader import read_panel
from tasks.data.schema.records import Market
from tasks.features.compute import compute_last, members_frame
from tasks.models.registry.champion import load_champion
from tasks.models.schema import Scores
from tasks.models.task import score_universe
from tasks.portfolio.frame import view_of
from tasks.portfolio.holdings.positions import Positions
from tasks.portfolio.holdings.record import positions_of
from tasks.portfolio.quotes import WINDOW
from tasks.portfolio.schema import Portfolio
from tasks.portfolio.stops import stop_window
from tasks.portfolio.task import build_portfolio
from tasks.regime.schema import Regime
from tasks.risk.schema import RiskModel
from tasks.risk.task import estimate_risk
from tasks.trades.lines import Trading
from tasks.trades.rules import trade_rules_of
from tasks.trades.schema import Trades
from tasks.trades.task import propose_trades
from tasks.trades.tickets import scored, task
from tasks.trades.tickets.attribution import split_trades
from tasks.trades.tickets.comparison import compare
from tasks.trades.tickets.contributions import contributions_of
from tasks.trades.tickets.scored import read_contributions
from tasks.trades.tickets.survival import Reruns, count_survivals, score_noise
from tasks.trades.tickets.task import MOST_SESSIONS_AGO, explain_trades, signed_cents
from tests.approval_days import day_files
from tests.builders import FRIDAY, make_settings
from tests.champions import promote_learner
from tests.deliveries import SMALL, days_of, make_delivery, refresh, small_run
from tests.homes import SESSION_BEFORE

FEATURES = ("momentum_1m", "volatility_21", "momentum_3m", "volatility_63", "momentum_6m")
DELIVERY = make_delivery(sessions=300, symbols=12)
SESSIONS = days_of(DELIVERY)
HELD = "symbol,shares\nS00,9000\nS01,9000\nCASH,500000\n"
RUNS = 4
SETTINGS = {
    "trades.survival_runs": RUNS,
    "trades.fragile_below_frac": 0.5,
    "portfolio.max_position_frac": 0.3,
    "portfolio.max_sector_frac": 1.0,
    "portfolio.max_cap_class_frac": {},
    "safety.max_trade_frac": 0.3,
}
MULTIPLIER, MOST_BUYS = 1.25, 0.55  # neither is the default


@dataclass(frozen=True)
class World:
    """A session up to its trades, and what its explanation was computed from."""

    run: Run
    market: Market
    features: ArtifactRef
    scores: Scores
    regime: Regime
    risk: RiskModel
    portfolio: Portfolio
    trades: Trades

    @cached_property
    def lines(self) -> pd.DataFrame:
        return load_frame(self.trades.frame)

    def explained(self, *, reductions_only: bool = False, positions: Positions | None = None):
        return explain_trades(
            self.run,
            self.market,
            self.features,
            self.scores,
            self.regime,
            self.risk,
            self.portfolio,
            self.trades,
            reductions_only=reductions_only,
            positions=positions,
        )

    def decide_before(self, ago: int = 1, *, basis: str | None = None, **model: str) -> date:
        """Publish a decision of some sessions before, by default of the same model, settings and code."""
        session, champion = SESSIONS[-1 - ago], self.scores.champion
        files = day_files(session)
        signals = json.loads(files["signals.json"])
        signals["model"] = {"name": champion.name, "hash": champion.model_sha256, **model}
        signals["scores"] = {
            symbol: {"exact": float(place).hex(), "rank": 1}
            for place, symbol in enumerate(load_frame(self.scores.frame).index)
        }
        same = sha256_of_record([config_hash(self.run.settings), code_fingerprint(CODE_ROOT)])
        signals["decided_from"] |= {"basis": basis or same, "optimizer": "max_sharpe"}
        files["signals.json"] = json.dumps(signals).encode()
        files["portfolio_weights.csv"] = b"symbol,weight\nS02,0.2\nS03,0.1\nCASH,0.7\n"
        folder = self.run.home.day_folder(session_on(session))
        folder.mkdir(parents=True)
        for name, content in {**files, "manifest.json": b"{}"}.items():
            (folder / name).write_bytes(content)
        return session


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    """A session up to its trades. Read-only: tests use `world`."""
    home = tmp_path_factory.mktemp("decided")
    with pytest.MonkeyPatch.context() as patch:
        market = refresh(patch, home, DELIVERY)
    run = replace(small_run(home), settings=make_settings(**SMALL, **SETTINGS))
    run.home.live.mkdir(parents=True, exist_ok=True)
    run.home.positions_file.write_text(HELD)
    promote_learner(run.home, "lightgbm", FEATURES, session=SESSION_BEFORE)
    features = save_frame(run, "features", features_at(market, FRIDAY))
    scores = score_universe(run, features)
    regime = Regime(FRIDAY, "BULL", 1.0, True, {}, (), save_frame(run, "regime", pd.DataFrame()))
    risk = estimate_risk(run, market)
    portfolio = build_portfolio(run, market, scores, regime, risk)
    portfolio = replace(portfolio, index_multiplier=MULTIPLIER, max_buys_frac=MOST_BUYS)
    return World(
        run, market, features, scores, regime, risk, portfolio, propose_trades(run, market, portfolio)
    )


@pytest.fixture
def world(decided, tmp_path):
    """A session up to its trades, in a home of its own."""
    home = tmp_path / "home"
    shutil.copytree(decided.run.home.root, home, ignore=shutil.ignore_patterns("data"))
    return replace(decided, run=replace(decided.run, home=Home(home)))


@pytest.fixture
def compared(monkeypatch):
    """What was compared: pairs of today and the earlier session, and the comparison."""
    seen = []

    def recorded(today, earlier):
        seen.append((today, earlier, compare(today, earlier)))
        return seen[-1][-1]

    monkeypatch.setattr(task, "compare", recorded)
    return seen


def features_at(market: Market, session: date) -> pd.DataFrame:
    panel = read_panel(replace(market.snapshot, session=session), window=None)
    return members_frame(compute_last(panel, FEATURES), panel.is_member[-1])


def contributions_at(world: World, session: date):
    model = load_champion(world.run.home, session=FRIDAY, features=FEATURES, max_age_days=9999).fitted
    return model.contributions(features_at(world.market, session)).T.to_dict()


def test_each_trade_of_a_first_day_is_explained_to_the_cent(world, compared):
    tickets = world.explained()

    cents = signed_cents(world.lines, compared[0][0].arrays.symbols)
    assert [one.symbol for one in tickets.tickets] == list(world.lines["symbol"])
    assert {one.usd_cents for one in tickets.tickets} == set(cents.tolist()) - {0}
    assert {np.sign(one.usd_cents) for one in tickets.tickets} == {1, -1}
    parts = split_trades(compared[0][2], cents)
    places = compared[0][0].arrays.symbols.get_indexer(pd.Index(world.lines["symbol"]))
    assert [one.parts for one in tickets.tickets] == [parts[place] for place in places.tolist()]
    assert tickets.notes == ("No day was published before: the whole target counts as new.",)
    assert tickets.compared_with is None
    assert tickets.quarantined == world.market.quarantined
    found = contributions_at(world, FRIDAY)
    assert all(one.contributions == contributions_of(found[one.symbol], None) for one in tickets.tickets)


def test_today_is_what_the_stages_of_the_day_decided(world, compared):
    world.explained()
    world.explained(reductions_only=True)

    today = compared[0][0]
    assert today.settings is world.run.settings
    assert today.view == view_of(world.scores.champion, world.regime)
    assert today.trade_rules == trade_rules_of(world.run.settings, max_buys_frac=MOST_BUYS)
    assert today.trading == Trading(session_after(FRIDAY), MULTIPLIER, reductions_only=False)
    assert compared[1][0].trading == replace(today.trading, reductions_only=True)
    pd.testing.assert_frame_equal(today.returns, load_frame(world.risk.returns).T)
    scores = load_frame(world.scores.frame)["score"]
    np.testing.assert_array_equal(today.arrays.names.score, scores.reindex(today.arrays.symbols))
    assert today.arrays.names.has_risk.all()
    assert today.arrays.held.equity_usd == pytest.approx(world.portfolio.book.equity_usd)


def test_the_holdings_given_for_a_replay_count_instead_of_those_of_the_home(world, monkeypatch):
    """A replayed day looks for the price of what was held then, however long ago it traded."""
    seen = []
    held = positions_of(world.run.home, initial_cash_usd=1.0)
    read = task.read_market

    def read_market(run, of, positions):
        seen.append(positions)
        return read(run, of, positions)

    monkeypatch.setattr(task, "read_market", read_market)
    world.explained()
    world.explained(positions=replace(held, sha256="other"))

    assert [one.sha256 for one in seen] == [held.sha256, "other"]


def test_a_trade_survives_the_reruns_that_trade_it_too(world, compared):
    tickets = world.explained()

    comparison, symbols = compared[0][2], compared[0][0].arrays.symbols
    signed = world.lines["shares"] * np.where(world.lines["side"] == "SELL", -1, 1)
    shares = pd.Series(signed.to_numpy(), world.lines["symbol"]).reindex(symbols, fill_value=0)
    champion = world.scores.champion
    record = [world.market.snapshot.id, champion.model_sha256, world.run.seed("survival")]
    reruns = Reruns(RUNS, int(sha256_of_record(record)[:16], 16), score_noise(champion))
    persisted = count_survivals(comparison, shares.to_numpy(dtype=np.int64), reruns)
    expected = dict(zip(symbols, persisted.tolist(), strict=True))
    assert {one.symbol: one.survival.persisted for one in tickets.tickets} == {
        symbol: expected[symbol] for symbol in world.lines["symbol"]
    }
    assert {one.survival.runs for one in tickets.tickets} == {RUNS}


def test_a_trade_is_fragile_below_the_fraction_of_the_reruns(world, monkeypatch):
    survived = iter(range(100))
    monkeypatch.setattr(
        task, "count_survivals", lambda _, shares, __: np.array([next(survived) % 4 for _ in shares])
    )

    tickets = world.explained().tickets

    assert {one.survival.persisted for one in tickets} > {1, 2}
    assert all(one.is_fragile == (one.survival.persisted < 2) for one in tickets)


def test_without_reruns_no_trade_is_counted_or_fragile(world):
    settings = make_settings(**SMALL, **{**SETTINGS, "trades.survival_runs": 0})

    tickets = replace(world, run=replace(world.run, settings=settings)).explained().tickets

    assert [(one.survival, one.is_fragile) for one in tickets] == [(None, False)] * len(world.lines)


@pytest.mark.parametrize("ago", [1, 2, 5, MOST_SESSIONS_AGO])
def test_a_day_is_compared_with_the_last_published_decision(world, compared, ago):
    since = world.decide_before(ago)
    world.run.home.performance_file.write_text(f"date,equity,net_flows\n{since},2,1500.25\n")

    tickets = world.explained()

    earlier = compared[0][1]
    assert tickets.compared_with == since
    assert tickets.notes == (
        () if ago == 1 else (f"Changes are measured since {since}, {ago} sessions ago.",)
    )
    assert earlier.decision.session == since
    assert earlier.sessions_ago == ago
    assert earlier.flow_usd == world.portfolio.book.net_flows_usd - 1500.25
    assert earlier.is_same_basis
    settings = world.run.settings
    longest = max(
        WINDOW,
        settings.risk.window_sessions + 1,
        stop_window(settings.regime).sessions,
        settings.costs.volatility_index.mean_sessions,
    )
    assert len(earlier.panel.sessions) == min(longest + ago, len(SESSIONS))
    now, then = contributions_at(world, FRIDAY), contributions_at(world, since)
    for one in tickets.tickets:
        assert one.contributions == contributions_of(now[one.symbol], then[one.symbol])


STOPS = {
    "regime.stop_loss_frac": dict.fromkeys(("CRASH", "BEAR", "NEUTRAL", "BULL"), 0.2),
    "regime.stop_high_sessions": 100,
    "regime.stop_pause_sessions": 20,
}


@pytest.mark.parametrize(("stops", "sessions"), [({}, WINDOW), (STOPS, 119)], ids=["quotes", "stops"])
def test_the_prices_of_then_reach_as_far_back_as_its_decision_read_them(world, compared, stops, sessions):
    settings = make_settings(**SMALL, **SETTINGS, **{"risk.window_sessions": 30}, **stops)
    short = replace(world, run=replace(world.run, settings=settings))
    short.decide_before(ago=2)

    short.explained()

    assert len(compared[0][1].panel.sessions) == sessions + 2


def test_a_decision_of_long_ago_is_not_compared(world, compared):
    since = world.decide_before(MOST_SESSIONS_AGO + 1)

    tickets = world.explained()

    assert tickets.notes == (f"The last published day, {since}, is 22 sessions ago: it is not compared.",)
    assert (tickets.compared_with, compared[0][1]) == (None, None)


@pytest.mark.parametrize(
    ("before", "note"),
    [
        ({"hash": "0"}, "The champion changed to a retrained lightgbm: its effect is part of score."),
        (
            {"hash": "0", "name": "ridge"},
            "The champion changed from ridge to lightgbm: its effect is part of score.",
        ),
        ({"basis": "0"}, "Settings or code have changed since: their effect is part of constraints."),
    ],
)
def test_what_else_has_changed_since_the_decision_is_a_note(world, compared, before, note):
    world.decide_before(**before)

    tickets = world.explained()

    assert tickets.notes == (note,)
    assert compared[0][1].is_same_basis == ("basis" not in before)


def test_a_decision_that_cannot_be_read_is_a_note_and_not_compared(world):
    since = world.decide_before()
    (world.run.home.live / str(since) / "signals.json").write_text("{")

    tickets = world.explained()

    assert tickets.notes == (f"The day of {since} cannot be read (JSONDecodeError).",)
    assert len(tickets.tickets) == len(world.lines)


def test_a_day_without_trades_asks_no_model(world, monkeypatch):
    monkeypatch.setattr(task, "read_contributions", lambda *_, **__: pytest.fail("a model was asked"))
    none = replace(world.trades, frame=save_frame(world.run, "trades", world.lines.iloc[:0]))
    since = world.decide_before()

    tickets = replace(world, trades=none).explained()

    assert (tickets.tickets, tickets.notes, tickets.compared_with) == ((), (), since)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (DataError("The lake is gone.", remedy="Restore it."), "The lake is gone."),
        (ZeroDivisionError("planted"), "a defect (ZeroDivisionError)."),
    ],
)
def test_what_prevents_the_explanation_is_a_note(world, monkeypatch, error, why):
    world.decide_before(hash="0")

    def broken(*_, **__):
        raise error

    monkeypatch.setattr(task, "split_trades", broken)

    tickets = world.explained()

    assert tickets.notes == (f"The trades could not be explained: {why}",)
    assert (tickets.compared_with, tickets.tickets) == (None, ())
    assert tickets.quarantined == world.market.quarantined


def test_contributions_are_of_the_names_asked_for_at_both_sessions(world):
    names = pd.Series(["S03", "S05"])
    features = load_frame(world.features)
    before = SESSIONS[-4]

    now, then = read_contributions(world.run, world.market, features, names, before=before)
    alone, none = read_contributions(world.run, world.market, features, names, before=None)

    assert set(now) == set(then) == {"S03", "S05"}
    assert now == alone == {name: contributions_at(world, FRIDAY)[name] for name in names}
    assert then == {name: contributions_at(world, before)[name] for name in names}
    assert now != then
    assert none == {}


def test_a_name_has_contributions_only_on_sessions_on_which_it_is_a_member(world, monkeypatch):
    """S05 left the index on the earlier session."""

    def without(*asked, **window):
        panel = read_panel(*asked, **window)
        member = panel.is_member.copy()
        member[-1, panel.symbols == "S05"] = False
        return replace(panel, is_member=member)

    monkeypatch.setattr(scored, "read_panel", without)
    names, features = pd.Series(["S03", "S05"]), load_frame(world.features)

    now, then = read_contributions(world.run, world.market, features, names, before=SESSIONS[-4])

    assert (set(now), set(then)) == ({"S03", "S05"}, {"S03"})


def test_a_session_before_every_champion_has_no_contributions(world):
    """The baseline scores it."""
    run = replace(world.run, session=session_on(SESSIONS[-5]))
    names, features = pd.Series(["S03"]), load_frame(world.features)

    assert read_contributions(run, world.market, features, names, before=SESSIONS[-9]) == ({}, {})


def test_a_model_that_cannot_state_contributions_has_none(world):
    promote_learner(world.run.home, "random_forest", FEATURES, session=SESSION_BEFORE)
    names, features = pd.Series(["S03"]), load_frame(world.features)

    assert read_contributions(world.run, world.market, features, names, before=SESSIONS[-4]) == ({}, {})
