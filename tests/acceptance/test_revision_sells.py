"""Striking a sell: the review page and the report's first screen state what `revise` and `approve --strike` then do."""

import csv
import json
from collections import defaultdict
from datetime import UTC, datetime

import pytest

from flows.operations.decisions.review import actions_of
from flows.terminal import Options
from tasks.core.homes.home import Home
from tasks.reporting.review.schema import Asked
from tests.approval_days import PASSPHRASE, cheap_key, clock_at
from tests.homes import LAST_SESSION, SESSION_BEFORE, afterclose, copy_of, run_day
from tests.unit.reporting.reading import Report

DAY = str(LAST_SESSION)
EVENING = datetime(2024, 6, 14, 22, tzinfo=UTC)
ANN = ("--by", "Ann Lee")
STOPS = "regime: {stop_loss_frac: {CRASH: 0.25, BEAR: 0.25, NEUTRAL: 0.25, BULL: 0.25}}\n"
HEAVY_USD = {0: 400_000, 1: 60_000, 2: 60_000, 5: 60_000}  # by rank of the target weight
CASH_USD, SMALL_CAPS, SMALL_USD, NOT_HELD_FROM = 1_000, ("HAWY", "KUBS"), 40_000, 10


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def selling(ready_home_template, begun_home_template, tmp_path_factory):
    """Return a home with an approver whose first day sells: what is too heavy, what a stop sells, to pay for buys."""
    folder = tmp_path_factory.mktemp("selling")
    home, key = copy_of(ready_home_template, folder / "home"), cheap_key(folder / "keys" / "ann.pem")
    *held, _ = rows_of(begun_home_template / "live" / str(SESSION_BEFORE) / "portfolio_weights.csv")
    lines = ["symbol,shares"]
    for place, row in enumerate(held):
        usd = SMALL_USD if row["symbol"] in SMALL_CAPS else HEAVY_USD.get(place)
        if usd or place < NOT_HELD_FROM:
            lines.append(f"{row['symbol']},{int(usd / float(row['price'])) if usd else row['shares']}")
    Home(home).positions_file.write_text("\n".join([*lines, f"CASH,{CASH_USD}"]) + "\n")
    with (home / "config.yaml").open("a") as file:
        file.write(STOPS)
    run_day(home)
    said = ("approvers", "add", "Ann Lee", *ANN, "--reason", "set-up")
    assert told(home, key, *said)[0] == 0
    return home, key


def told(home, key, *arguments):
    with clock_at(EVENING):
        ended = afterclose(
            *arguments,
            "--json",
            home=home,
            AFTERCLOSE_APPROVAL_PASSPHRASE=PASSPHRASE,
            AFTERCLOSE_APPROVAL_KEY_FILE=str(key),
        )
    return ended.returncode, json.loads(ended.stdout)


def sells_of(folder):
    return [row["symbol"] for row in rows_of(folder / "trades.csv") if row["side"] == "SELL"]


def previewed(home, *symbols):
    with clock_at(EVENING):
        return actions_of(Options(home=home), LAST_SESSION).preview(LAST_SESSION, Asked(symbols))


def refused_by_revise(home, key, *symbols):
    """Return the checks for which `revise` refuses the strike; none if it wrote the revision."""
    strikes = [word for symbol in symbols for word in ("--strike", symbol)]
    code, made = told(home, key, "revise", DAY, *strikes, *ANN, "--reason", "keep it")
    failed = made["fields"]["failed"] if code else []
    assert code == (3 if failed else 0)
    return failed


def test_a_struck_sell_is_refused_by_revise_for_what_page_and_report_state(selling):
    home, key = selling
    folder = Home(home).day_folder(DAY)
    shown = {one.name: one.value for one in Report((folder / "report.html").read_bytes()).figures}
    reasons = set()

    for symbol in sells_of(folder):
        effect = previewed(home, symbol)
        stated = [name for name, _ in effect.failed]

        assert refused_by_revise(home, key, symbol) == stated
        if f"struck.cash.{symbol}" in shown:  # the report lists the ten largest trades
            assert shown[f"struck.cash.{symbol}"] == effect.after.cash_usd
            assert (f"struck.limit.{symbol}" in shown) == (not stated)
            reasons.update(stated)
    assert {"position_limit", "sector_limit", "cap_class_limit", "stop_loss"} <= reasons


def test_struck_sells_that_pay_for_the_buys_are_refused_by_revise_as_the_page_states(selling):
    home, key = selling
    sells = sells_of(Home(home).day_folder(DAY))

    stated = [name for name, _ in previewed(home, *sells).failed]

    assert "cash" in stated
    assert refused_by_revise(home, key, *sells) == stated


def test_a_struck_sell_leaves_what_the_page_stated(selling, tmp_path):
    """The first sell that may be struck, with `approve --strike`: its revision is what is signed."""
    template, key = selling
    home = copy_of(template, tmp_path / "home")
    folder = Home(home).day_folder(DAY)
    symbol, effect = next(
        (symbol, effect) for symbol in sells_of(folder) if not (effect := previewed(home, symbol)).failed
    )

    code, approved = told(home, key, "approve", DAY, "--strike", symbol, *ANN)

    assert code == 0, approved
    revised = folder / "revisions" / str(approved["revision"])
    trades, weights = rows_of(revised / "trades.csv"), rows_of(revised / "portfolio_weights.csv")
    equity = CASH_USD / float(weights[-1]["current_weight"])
    sectors = defaultdict(float)
    for row in weights[:-1]:
        sectors[row["sector"]] += float(row["shares"]) * float(row["price"]) / equity
    assert len(trades) == effect.after.trades
    assert float(weights[-1]["shares"]) == effect.after.cash_usd
    assert sum(sectors.values()) == pytest.approx(effect.after.invested_frac, rel=1e-6)
    assert {name: share for name, share in sectors.items() if share} == pytest.approx(
        dict(effect.after.sectors), rel=1e-6
    )
    cost = sum(float(row[name]) for row in trades for name in ("commission_est", "slippage_est"))
    assert cost == pytest.approx(effect.after.cost_usd, abs=0.005)
