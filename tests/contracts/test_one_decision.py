"""Each limit of the portfolio and of trades is applied in one place; elsewhere it is only checked or described."""

import re
from pathlib import Path

import pytest

from config.sections import Portfolio, Safety, Trades

ROOT = Path(__file__).parents[2]
PORTFOLIO = (
    "max_position_frac",
    "max_sector_frac",
    "max_cap_class_frac",
    "unknown_sector",
    "max_positions",
    "keep_rank_multiple",
    "costs_per_year",
)
TRADES = (
    "min_notional_usd",
    "max_trades",
    "max_adv_frac",
    "min_weight_change_frac",
    "min_drift_frac",
    "max_trade_frac",
    "max_buys_frac",
    "max_entry_buys_frac",
    "max_daily_notional_frac",
)
RULES = {"tasks/portfolio/limits.py": PORTFOLIO, "tasks/trades/rules.py": TRADES}
REFUSE_OR_DESCRIBE = {
    "tasks/execution/gates/account_gates.py",
    "tasks/execution/gates/batch_gates.py",
    "tasks/execution/gates/limits.py",
    "tasks/portfolio/explanation.py",
    "tasks/reporting/day/filled_book.py",
    "tasks/reporting/page/sections/trades/costs.py",
    "tasks/reporting/page/sections/holdings.py",
    "tasks/safety/after_checks.py",
    "tasks/safety/book_checks.py",
    "tasks/safety/facts.py",
    "tasks/safety/trade_checks.py",
    "tasks/trades/check.py",
}


def readers_of(setting):
    """Return the modules that read it from the settings; plain values of the rules or of the regime do not count."""
    others = "".join(f"(?<!{owner})" for owner in ("rules", "regime", "portfolio", "allowed", "_signals"))
    read = re.compile(rf"{others}\.{setting}\b(?!`)")
    return {
        str(module.relative_to(ROOT))
        for folder in ("flows", "tasks")
        for module in (ROOT / folder).rglob("*.py")
        if any(read.search(line) for line in module.read_text().splitlines() if "remedy" not in line)
    }


@pytest.mark.parametrize(
    ("setting", "rules"), [(setting, rules) for rules, settings in RULES.items() for setting in settings]
)
def test_a_limit_is_applied_from_the_rules_and_by_nothing_else(setting, rules):
    readers = readers_of(setting)

    assert any(setting in section.model_fields for section in (Portfolio, Safety, Trades))
    assert rules in readers
    assert readers - {rules} <= REFUSE_OR_DESCRIBE | {"flows/operations/homes/lake.py"}
