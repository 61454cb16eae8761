"""Every metric: its name with unit, its meaning, and its label. No symbol is ever a label.

docs/metrics-and-alerts.md, the alert rules and the dashboard are checked against this list.
"""

from dataclasses import dataclass

PREFIX = "afterclose_"


@dataclass(frozen=True)
class Metric:
    """A gauge. `label`: the name of its one label, "" without one."""

    name: str
    meaning: str
    label: str = ""


@dataclass(frozen=True)
class Sample:
    """A value of a metric; `label` is the value of its label."""

    name: str
    value: float
    label: str = ""


def _metrics(*rows: tuple[str, ...]) -> dict[str, Metric]:
    return {PREFIX + name: Metric(PREFIX + name, *rest) for name, *rest in rows}


CATALOGUE = _metrics(
    # system
    ("info", "Always 1.", "version"),
    ("written_timestamp_seconds", "When these metrics were read."),
    ("part_unreadable", "1 if a part of the home could not be read: then its metrics are missing.", "part"),
    ("is_simulated", "1 if the market is simulated."),
    ("last_day_timestamp_seconds", "Close of the last published session."),
    ("day_due_timestamp_seconds", "When the next day should be published: six hours after its close."),
    ("stage_seconds", "Duration of each stage of the last published day.", "stage"),
    ("data_age_sessions", "Sessions between the end of the lake and the last closed session."),
    ("data_findings", "Findings of the quality gates on the last published day."),
    ("data_quarantined_names", "Names in quarantine on the last published day."),
    ("universe_names", "Names in the universe on the last published day."),
    ("outbox_waiting", "Notifications waiting to be delivered."),
    ("outbox_dead", "Notifications that were abandoned, or whose file is damaged."),
    ("disk_free_bytes", "Free space on the disk of the home."),
    # trading
    ("equity_usd", "Equity after the last published session."),
    ("day_return_ratio", "Return of the last published session."),
    ("cost_usd", "Estimated cost of the trades proposed on the last published day."),
    ("trades_proposed", "Trades proposed on the last published day.", "side"),
    ("notional_usd", "Notional of the trades proposed on the last published day.", "side"),
    ("day_approved", "1 if the last published day has an approval."),
    ("executions_active", "Executions that have not ended."),
    ("open_orders", "Orders that are not final."),
    ("unknown_orders", "Orders whose request was not answered."),
    # risk
    ("kill_switch_on", "1 if trading is halted."),
    ("kill_switch_trips", "Kill-switch trips that no person has reset."),
    ("drawdown_ratio", "Distance of the equity from its highest level, capital flows excluded; at most 0."),
    ("exposure_ratio", "Invested fraction of the equity before the trades."),
    ("limit_used_ratio", "Used fraction of each risk limit after the trades; above 1: breached.", "limit"),
    ("checks", "Checks of the last published day."),
    ("checks_failed", "Failed checks of the last published day; above 0 only under a halt of new risk."),
    ("regime", "1 for the state of the market regime, 0 for the others.", "state"),
    (
        "parity_equal",
        "1 if the last published day equals the backtest to the share and cent, 0 if not; missing if not compared.",
    ),
    # model health
    ("champion_age_seconds", "Time from the selection of the champion to the last closed session."),
    ("champion_max_age_seconds", "The setting models.max_age_days, in seconds."),
    ("champion_ic", "Out-of-sample neutral IC of the champion when it was selected."),
    ("champion_ic_t", "t-statistic of afterclose_champion_ic."),
    (
        "champion_sharpe_ratio",
        "Out-of-sample Sharpe ratio of the champion, before costs, when it was selected.",
    ),
    ("names_scored", "Names that were scored on the last published day."),
    ("names_left_out", "Members that had too few features to be scored."),
)
