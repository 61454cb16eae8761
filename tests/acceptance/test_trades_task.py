import pytest

from tasks.core.artifacts import load_frame, save_frame
from tasks.data.schema.records import Market, SnapshotRef
from tasks.portfolio.schema import Portfolio
from tasks.trades.schema import TRADE_COLUMNS
from tasks.trades.task import propose_trades
from tasks.trades.tickets.task import explain_trades
from tests.builders import FRIDAY, make_run
from tests.unit.trades.trades_worlds import make_book, make_target


def make_market(tmp_path, *, quarantined=(), provider="files"):
    snapshot = SnapshotRef("0", tmp_path, FRIDAY, {})
    return Market(snapshot, provider, 0, 0, (), quarantined, 3, (), (), ())


def propose(tmp_path, book, target, *, index_multiplier=1.0, max_buys=1.0, **market):
    run = make_run(tmp_path)
    frame = save_frame(run, "portfolio", target)
    portfolio = Portfolio(frame, book, "hrp", (), 1.0, {}, (), index_multiplier, max_buys)
    return propose_trades(run, make_market(tmp_path, **market), portfolio)


def test_the_stage_hands_on_trades_that_add_up(tmp_path):
    book = make_book(90_000.0, A=200)

    trades = propose(tmp_path, book, make_target(A=0.0, B=0.07))

    frame, after = load_frame(trades.frame), load_frame(trades.after)
    assert tuple(frame.columns) == TRADE_COLUMNS
    assert frame["symbol"].tolist() == ["A", "B"]
    assert trades.sell_notional_usd == 10_000
    assert trades.buy_notional_usd == frame["notional"].iloc[1]
    assert trades.cost_usd == pytest.approx(frame["commission_est"].sum() + frame["slippage_est"].sum())
    assert trades.cash_after_usd == after["shares"]["CASH"]
    assert trades.turnover == pytest.approx(frame["notional"].sum() / 2 / book.equity_usd)


def test_the_regime_limits_purchases_and_never_sales(tmp_path):
    book, target = make_book(90_000.0, A=200), make_target(A=0.0, B=0.07)

    usual = propose(tmp_path / "usual", book, target)
    limited = propose(tmp_path / "limited", book, target, max_buys=0.02)

    assert limited.sell_notional_usd == usual.sell_notional_usd == 10_000
    assert (
        0.015 < limited.buy_notional_usd / book.equity_usd <= 0.02 < usual.buy_notional_usd / book.equity_usd
    )


def test_what_is_not_proposed_is_handed_on_by_symbol(tmp_path):
    trades = propose(tmp_path, make_book(), make_target(A=0.07, B=0.0004))

    assert [(one.symbol, one.notional_usd) for one in trades.dropped] == [("B", 40)]


def test_a_day_without_trades_keeps_the_columns_and_their_types(tmp_path):
    busy = load_frame(propose(tmp_path, make_book(), make_target(A=0.07)).frame)

    quiet = load_frame(propose(tmp_path, make_book(), make_target()).frame)

    assert quiet.empty
    assert quiet.dtypes.to_dict() == busy.dtypes.to_dict()


def test_a_nervous_market_makes_trades_dearer_not_other_trades(tmp_path):
    book, target = make_book(90_000.0, A=200), make_target(A=0.0, B=0.07)

    calm, nervous = (
        load_frame(propose(tmp_path / str(multiplier), book, target, index_multiplier=multiplier).frame)
        for multiplier in (1.0, 3.0)
    )

    assert (nervous["slippage_est"] > calm["slippage_est"]).all()
    assert nervous["symbol"].equals(calm["symbol"])
    assert nervous["commission_est"].equals(calm["commission_est"])


def test_equal_inputs_give_equal_bytes(tmp_path):
    book, target = make_book(90_000.0, A=200), make_target(A=0.0, B=0.07)

    one, other = propose(tmp_path / "one", book, target), propose(tmp_path / "other", book, target)

    assert one.frame.sha256 == other.frame.sha256
    assert one.after.sha256 == other.after.sha256


# issue 10, line 13
def test_every_reason_begins_by_saying_that_the_market_is_simulated(tmp_path):
    book, target = make_book(90_000.0, A=200), make_target(A=0.0, B={"weight": 0.07, "note": ""})

    real = load_frame(propose(tmp_path / "real", book, target).frame)
    frame = load_frame(propose(tmp_path / "simulated", book, target, provider="simulated").frame)

    assert frame["reason"].str.startswith("Simulated market; ").all()
    assert not real["reason"].str.contains("imulated").any()
    rest = frame["reason"].str.removeprefix("Simulated market; ")
    assert (rest.str.lower() == real["reason"].str.lower()).all()
    assert tuple(frame.columns) == TRADE_COLUMNS
    assert frame.drop(columns="reason").equals(real.drop(columns="reason"))


def test_trades_that_cannot_be_explained_are_a_note_and_no_error(tmp_path):
    """A home without market data: nothing can be read, neither the holdings nor the earlier day."""
    run, market = make_run(tmp_path), make_market(tmp_path, quarantined=("A",))

    found = explain_trades(run, market, None, None, None, None, None, None, reductions_only=False)

    assert (found.compared_with, found.tickets, found.quarantined) == (None, (), ("A",))
    (note,) = found.notes
    assert note.startswith("The trades could not be explained: ")
