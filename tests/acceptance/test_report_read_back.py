"""Every figure of the report is read back out of the HTML and compared with the file that it came from."""

import csv
import io
import json
import math
import re
from dataclasses import replace

import pandas as pd
import pytest

from tasks.reporting.page.rendering import render_day
from tasks.risk.tail import portfolio_risk
from tests.unit.reporting.example_day import make_execution, make_inputs
from tests.unit.reporting.reading import Report

CASH = "CASH"


@pytest.fixture(scope="module", params=["ordinary", "hold", "empty", "ex-dividend"])
def evening(request):
    inputs = make_inputs(hold=request.param == "hold", empty=request.param == "empty")
    if request.param == "ex-dividend":
        inputs = with_due(inputs, 146.06)
    return inputs, render_day(inputs, positions_sha256=None)


def with_due(inputs, usd, **flows):
    """Return the evening of a day with dividends due."""
    portfolio = inputs.records.portfolio
    book = replace(portfolio.book, receivable_usd=usd, **flows)
    return replace(inputs, records=replace(inputs.records, portfolio=replace(portfolio, book=book)))


@pytest.fixture(scope="module")
def figures(evening):
    return Report(evening[1].files["report.html"]).figures


@pytest.fixture(scope="module")
def sources(evening):
    """Return the value of every figure by name, computed from the files of the day and of the execution before it."""
    inputs, day = evening
    rows = {name: table(day.files[name]) for name in ("trades.csv", "portfolio_weights.csv")}
    history = pd.concat([inputs.history, pd.DataFrame([day.row], dtype=str)], ignore_index=True).fillna("")
    log = json.loads(day.files["monitoring_log.json"])
    return (
        of_trades(rows["trades.csv"], float(day.row["equity"]))
        | of_weights(inputs, rows["portfolio_weights.csv"], float(day.row["equity"]))
        | of_equity(day.row)
        | of_bridge(inputs, float(day.row.get("receivable", 0)))
        | of_history(history)
        | of_log(log)
        | of_settings(inputs)
        | of_struck(inputs, rows["trades.csv"], rows["portfolio_weights.csv"], float(day.row["equity"]))
        | of_tickets(json.loads(day.files["tickets.json"]))
    )


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def of_trades(rows, equity):
    sold = [row for row in rows if row["side"] == "SELL"]
    traded = sum(float(row["notional"]) for row in rows)
    costs = {row["symbol"]: float(row["commission_est"]) + float(row["slippage_est"]) for row in rows}
    found = {
        "trades": len(rows),
        "sells": len(sold),
        "buys": len(rows) - len(sold),
        "traded_usd": traded,
        "traded_usd.total": traded,
        "cost_usd": sum(costs.values()),
        "cost_usd.total": sum(costs.values()),
        "turnover": traded / 2 / equity,
    }
    for row in rows:
        symbol = row["symbol"]
        found |= {
            f"trade.{name}.{symbol}": float(row[name])
            for name in ("shares", "price", "notional", "weight_change")
        }
        found[f"trade.cost.{symbol}"] = costs[symbol]
        found[f"brief.{symbol}"] = float(row["notional"]) * (-1 if row["side"] == "SELL" else 1)
    return found


def of_weights(inputs, rows, equity):
    value = {row["symbol"]: float(row["shares"]) * float(row["price"]) for row in rows}
    total = sum(value.values())
    now = {row["symbol"]: float(row["current_weight"]) for row in rows}
    after = {symbol: worth / total for symbol, worth in value.items()}
    found = {}
    for row in rows:
        symbol = row["symbol"]
        found |= {
            f"weight.now.{symbol}": now[symbol],
            f"weight.after.{symbol}": after[symbol],
            f"weight.target.{symbol}": float(row["weight"]),
            f"shares.{symbol}": float(row["shares"]),
            f"score.{symbol}": float(row["score"] or "nan"),
        }
    sizes = inputs.frames.weights["cap_class"]
    for name, weights in (("now", now), ("after", after)):
        held = pd.Series(
            {symbol: weight for symbol, weight in weights.items() if symbol != CASH}, dtype=float
        )
        risk = portfolio_risk(held, inputs.frames.returns, 0.95)
        found |= {
            f"{name}.cash": weights[CASH] * (equity if name == "now" else total),
            f"{name}.invested": 1 - weights[CASH],
            f"{name}.names": int((held != 0).sum()),
            f"{name}.largest": held.max() if len(held) else 0.0,
            f"{name}.volatility": risk["volatility"],
            f"{name}.var_1d": risk["var_1d"],
        }
        for row in rows:
            if row["symbol"] != CASH:
                for group in (row["sector"], sizes[row["symbol"]]):
                    key = f"{name}.group.{group}"
                    found[key] = found.get(key, 0.0) + weights[row["symbol"]]
    return found


def of_struck(inputs, trades, weights, equity):
    """Return what striking each trade leaves; its limit is the sector's, which changes most in the example."""
    cash = next(float(row["shares"]) for row in weights if row["symbol"] == CASH)
    traded = sum(float(row["notional"]) for row in trades)
    found = {"struck.cash": cash, "struck.turnover": traded / 2 / equity}
    sectors = {row["symbol"]: row["sector"] for row in weights}
    for trade in trades:
        symbol, sign = trade["symbol"], -1 if trade["side"] == "SELL" else 1
        value = {row["symbol"]: float(row["shares"]) * float(row["price"]) for row in weights}
        cost = float(trade["commission_est"]) + float(trade["slippage_est"])
        value[symbol] -= sign * float(trade["notional"])
        value[CASH] += sign * float(trade["notional"]) + cost
        sector = sum(worth for name, worth in value.items() if sectors[name] == sectors[symbol])
        found |= {
            f"struck.cash.{symbol}": value[CASH],
            f"struck.turnover.{symbol}": (traded - float(trade["notional"])) / 2 / equity,
            f"struck.limit.{symbol}": sector / equity,
        }
    return found


def of_equity(row):
    due = float(row.get("receivable", 0))
    return {"equity": float(row["equity"]) + due, "equity.due": due}


def of_bridge(inputs, due):
    if not inputs.executed:
        return {}
    steps = make_execution()["bridge"]
    found = dict.fromkeys(("bridge.proposed", "bridge.approved", "bridge.ordered", "bridge.filled"), 0.0)
    for row in steps:
        if row["step"] not in {"target", "broker"}:
            key = f"bridge.{row['step']}"
            found[key] = found.get(key, 0.0) + float(row["usd"])
    return found | {
        "realised.Charged by the broker": 1.90,
        "realised.Spread and impact": 6.00,
        "realised.Waiting until the order was sent": 0.0,
        "realised.From the decision's close to the open": 20.00,
        "realised.total": 27.90,
        "paid.moved": 20.00,
        "paid.comparable": 7.90,
        "paid.total": 27.90,
        "paid.traded": 17_646.00,
        "paid.estimated": 3.50,
        "bridge.target": float(steps[0]["usd"]),
        "bridge.unexplained": float(steps[-2]["usd"]),
        "bridge.broker": float(steps[-1]["usd"]),
        **({"bridge.due": due, "bridge.close": float(steps[-1]["usd"]) + due} if due else {}),
        **{f"bridge.cause.{row['cause']}": float(row["usd"]) for row in steps if row["step"] == "account"},
    }


def of_history(rows):
    equity = pd.to_numeric(rows["equity"])
    if "receivable" in rows:
        equity = equity + pd.to_numeric(rows["receivable"]).fillna(0.0)
    market = (1 + pd.to_numeric(rows["benchmark_return"]).where(rows.index > 0, 0.0)).cumprod()
    dates, last = rows["date"], rows["date"].iloc[-1]
    starts = {"month": last[:7], "year": last[:4], "start": dates.iloc[0]}
    found = {}
    for key in ("day", "month", "year", "start"):
        before = equity.index[dates < starts[key]] if key != "day" else equity.index[:-1]
        place = max(before, default=0)
        found[f"gain.{key}"] = equity.iloc[-1] - equity[place]
        found[f"return.{key}"] = equity.iloc[-1] / equity[place] - 1
        found[f"benchmark.{key}"] = market.iloc[-1] / market[place] - 1
    monthly = equity.groupby(dates.str[:7]).last()
    begins = monthly.shift(1).fillna(equity.iloc[0])
    for month, change in (monthly / begins - 1).items():
        found[f"month.{month[:4]}-{int(month[5:])}"] = change
    returns = equity.pct_change().dropna()
    compared = pd.to_numeric(rows["benchmark_return"])[1:]
    found |= {
        "ratio.Sessions with a gain": (returns > 0).mean(),
        "ratio.Sessions ahead of the benchmark": (returns > compared).mean(),
        "ratio.Best session": returns.max(),
        "ratio.Worst session": returns.min(),
        "ratio.Volatility a year": returns.std(ddof=1) * 252**0.5,
        "ratio.Sharpe ratio, risk-free rate 0": returns.mean() / returns.std(ddof=1) * 252**0.5,
    }
    return found


def of_log(log):
    assessed = log["risk_assessment"]
    return {
        **{
            f"loss.{method}.{key}": value
            for method, each in assessed["losses"].items()
            for key, value in each.items()
        },
        **{f"scenario.{one['name']}": -one["loss"] for one in assessed["scenarios"]},
        **{f"model.{key}": value for key, value in log["model_health"]["metrics"].items()},
        "limit.invested": log["regime"]["exposure_cap"],
    }


def of_settings(inputs):
    risk = inputs.run.settings.risk
    return {
        "limit.volatility": risk.max_volatility,
        "limit.var_1d": risk.daily_budget_frac,
        "limit.beta": risk.max_beta,
    }


def of_tickets(record):
    found = {}
    for one in record["tickets"]:
        found[f"ticket {one['symbol']}"] = one["usd_cents"] / 100
        found |= {
            f"ticket {one['symbol']} {cause}": cents / 100 for cause, cents in one["parts_cents"].items()
        }
    return found


# computed from returns that no file of the day holds: tested in tests/unit/reporting/page/sections
ELSEWHERE = ("now.beta", "after.beta", "ratio.Annualized return")


def test_every_figure_equals_the_file_that_it_came_from(figures, sources):
    causes = {one for one in sources if one.startswith("bridge.cause.")}
    for one in figures:
        if one.name in ELSEWHERE:
            continue
        if one.name == "bridge.cause":
            assert one.value in {sources[cause] for cause in causes}
            continue
        expected = sources[one.name]
        assert math.isnan(expected) == math.isnan(one.value), one
        if not math.isnan(expected):
            assert one.value == pytest.approx(expected, rel=1e-6, abs=2e-6), one


def test_every_figure_is_shown_as_it_is(figures):
    for one in figures:
        shown, places = read(one.shown)
        assert math.isnan(shown) == math.isnan(one.value), one
        if not math.isnan(shown):
            scale = 100 if re.search(r"%|pp$", one.shown) or one.name.startswith("month.") else 1
            assert shown == pytest.approx(one.value * scale, abs=0.5 * 10.0**-places + 1e-6), one


def test_on_an_ex_date_header_bridge_and_history_agree_to_the_cent():
    inputs = with_due(make_inputs(), 146.06, net_flows_usd=-500.0)

    day = render_day(inputs, positions_sha256=None)

    report = Report(day.files["report.html"])
    found = {one.name: one.value for one in report.figures}
    row, before = day.row, inputs.history.iloc[-1]
    assert (row["receivable"], row["net_flows"]) == ("146.06", "-500.00")
    level = float(row["equity"]) + float(row["receivable"])
    assert found["equity"] == found["bridge.close"] == pytest.approx(level, abs=0.004)
    assert found["bridge.broker"] + found["bridge.due"] == pytest.approx(found["bridge.close"], abs=0.004)
    change = level - float(before["equity"]) - float(row["net_flows"])
    assert found["gain.day"] == pytest.approx(change, abs=0.004)
    assert found["equity.flow"] == -500.0
    assert "Equity at the close, with $146.06 of dividends due" in report.text


def test_without_dividends_due_the_header_and_the_bridge_name_none():
    report = Report(render_day(make_inputs(), positions_sha256=None).files["report.html"])

    assert {"equity.due", "equity.flow", "bridge.due"}.isdisjoint(one.name for one in report.figures)
    assert "dividends due" not in report.text.lower()


def test_the_page_marks_its_figures(evening, figures, sources):
    inputs, _ = evening
    names = {one.name for one in figures}
    expected = {
        name for name in sources if name.startswith(("trade.", "bridge.t", "bridge.b", "loss.", "scenario."))
    }

    assert expected <= names
    assert len(names) > 10
    assert "equity" in names
    assert ("trades" in names) == bool(len(inputs.frames.trades))


def read(text: str) -> tuple[float, int]:
    """Return a number as shown, and its decimals."""
    if text == "–":
        return float("nan"), 0
    found = re.search(r"([+\N{MINUS SIGN}]?)\$?([\d,]+)(?:\.(\d+))?", text)
    if found is None:
        return (0.0, 0) if text.startswith("no ") else (float("nan"), 0)
    sign, whole, decimals = found.groups()
    number = float(f"{whole.replace(',', '')}.{decimals or '0'}")
    return -number if sign == "\N{MINUS SIGN}" else number, len(decimals or "")
