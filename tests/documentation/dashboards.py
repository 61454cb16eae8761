"""Write the Grafana dashboards in config/grafana/: trading, model health, system and risk.

Import one in Grafana (Dashboards, New, Import) and choose the Prometheus data source. `make docs` rewrites them.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "config" / "grafana"
SOURCE = {"type": "prometheus", "uid": "${source}"}
COLUMNS = 24


@dataclass(frozen=True)
class Panel:
    """One panel: queries with their legends."""

    title: str
    queries: dict[str, str]  # by legend
    kind: str = "timeseries"  # or stat
    unit: str = "short"
    width: int = 12
    height: int = 8
    thresholds: list[tuple[float | None, str]] = field(default_factory=list)


def stat(
    title: str, query: str, unit: str = "short", thresholds: list[tuple[float | None, str]] | None = None
) -> Panel:
    """Return a panel with one figure."""
    return Panel(title, {"": query}, "stat", unit, 4, 4, thresholds or [])


OK_IF_ZERO: list[tuple[float | None, str]] = [(None, "green"), (1, "red")]
BOARDS: dict[str, tuple[str, list[Panel]]] = {
    "trading": (
        "Afterclose: trading",
        [
            stat("Equity", "afterclose_equity_usd", "currencyUSD"),
            stat("Last session", "afterclose_day_return_ratio", "percentunit", [(None, "red"), (0, "green")]),
            stat("Trades proposed", "sum(afterclose_trades_proposed)"),
            stat("Approved", "afterclose_day_approved", "bool_yes_no"),
            stat("Open orders", "afterclose_open_orders"),
            stat("Unknown orders", "afterclose_unknown_orders", thresholds=OK_IF_ZERO),
            Panel("Equity", {"equity": "afterclose_equity_usd"}, unit="currencyUSD", width=24),
            Panel("Proposed amounts", {"{{side}}": "afterclose_notional_usd"}, unit="currencyUSD"),
            Panel("Estimated cost", {"cost": "afterclose_cost_usd"}, unit="currencyUSD"),
            Panel("Trades", {"{{side}}": "afterclose_trades_proposed"}),
            Panel(
                "Executions", {"active": "afterclose_executions_active", "orders": "afterclose_open_orders"}
            ),
        ],
    ),
    "model-health": (
        "Afterclose: model health",
        [
            stat("Champion's age", "afterclose_champion_age_seconds", "s"),
            stat(
                "Until it is too old",
                "afterclose_champion_max_age_seconds - afterclose_champion_age_seconds",
                "s",
            ),
            stat("IC out of sample", "afterclose_champion_ic"),
            stat("Its t-statistic", "afterclose_champion_ic_t", thresholds=[(None, "red"), (2, "green")]),
            stat("Sharpe ratio", "afterclose_champion_sharpe_ratio"),
            stat("As in the backtest", "afterclose_parity_equal", "bool_yes_no"),
            Panel("IC of the champion", {"neutral IC": "afterclose_champion_ic"}),
            Panel(
                "Age of the champion",
                {"age": "afterclose_champion_age_seconds", "limit": "afterclose_champion_max_age_seconds"},
                unit="s",
            ),
            Panel(
                "Names scored",
                {"scored": "afterclose_names_scored", "left out": "afterclose_names_left_out"},
            ),
            Panel("As in the backtest", {"equal": "afterclose_parity_equal"}, unit="bool_yes_no"),
        ],
    ),
    "system": (
        "Afterclose: system",
        [
            stat("Since the last day's close", "time() - afterclose_last_day_timestamp_seconds", "s"),
            stat("Until the next day is overdue", "afterclose_day_due_timestamp_seconds - time()", "s"),
            stat("Data behind", "afterclose_data_age_sessions", thresholds=[(None, "green"), (2, "red")]),
            stat("Unreadable parts", "sum(afterclose_part_unreadable)", thresholds=OK_IF_ZERO),
            stat("Notifications waiting", "afterclose_outbox_waiting", thresholds=OK_IF_ZERO),
            stat("Notifications abandoned", "afterclose_outbox_dead", thresholds=OK_IF_ZERO),
            Panel("Seconds by stage", {"{{stage}}": "afterclose_stage_seconds"}, unit="s"),
            Panel("Free space", {"free": "afterclose_disk_free_bytes"}, unit="bytes"),
            Panel(
                "Data quality",
                {
                    "findings": "afterclose_data_findings",
                    "in quarantine": "afterclose_data_quarantined_names",
                },
            ),
            Panel("Universe", {"names": "afterclose_universe_names"}),
            Panel("Age of these metrics", {"age": "time() - afterclose_written_timestamp_seconds"}, unit="s"),
            Panel("Version", {"{{version}}": "afterclose_info"}),
        ],
    ),
    "risk": (
        "Afterclose: risk",
        [
            stat("Kill switch", "afterclose_kill_switch_on", "bool_on_off", OK_IF_ZERO),
            stat("Trips", "afterclose_kill_switch_trips", thresholds=OK_IF_ZERO),
            stat("Drawdown", "afterclose_drawdown_ratio", "percentunit"),
            stat("Invested", "afterclose_exposure_ratio", "percentunit"),
            stat("Checks failed", "afterclose_checks_failed", thresholds=OK_IF_ZERO),
            stat("Simulated market", "afterclose_is_simulated", "bool_yes_no"),
            Panel(
                "Risk limits in use",
                {"{{limit}}": "afterclose_limit_used_ratio"},
                unit="percentunit",
                width=24,
            ),
            Panel("Drawdown", {"drawdown": "afterclose_drawdown_ratio"}, unit="percentunit"),
            Panel("Regime", {"{{state}}": "afterclose_regime"}),
            Panel("Invested", {"invested": "afterclose_exposure_ratio"}, unit="percentunit"),
            Panel("Checks", {"checks": "afterclose_checks", "failed": "afterclose_checks_failed"}),
        ],
    ),
}


def dashboard(name: str) -> dict[str, Any]:
    """Return the dashboard as Grafana imports it."""
    title, panels = BOARDS[name]
    return {
        "uid": f"afterclose-{name}",
        "title": title,
        "tags": ["afterclose"],
        "schemaVersion": 39,
        "timezone": "America/New_York",
        "time": {"from": "now-90d", "to": "now"},
        "refresh": "5m",
        "templating": {
            "list": [{"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}]
        },
        "panels": _placed(panels),
    }


def _placed(panels: list[Panel]) -> list[dict[str, Any]]:
    """Place the panels from left to right, row by row."""
    placed, x, y, tallest = [], 0, 0, 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
        placed.append(_panel(panel, number, place))
        x, tallest = x + panel.width, max(tallest, panel.height)
    return placed


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    steps = [{"value": value, "color": colour} for value, colour in panel.thresholds or [(None, "text")]]
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": query, "legendFormat": legend}
            for place, (legend, query) in enumerate(panel.queries.items())
        ],
    }


def text_of(name: str) -> str:
    """Return the content of the dashboard's file."""
    return json.dumps(dashboard(name), indent=2) + "\n"


def write() -> None:
    """Write all dashboards."""
    for name in BOARDS:
        (FOLDER / f"{name}.json").write_text(text_of(name))
