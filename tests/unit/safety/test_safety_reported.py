"""What each check tells a person: what it measured, what it allowed, and which lines are at fault."""

import pytest

from tasks.safety.table import run_checks
from tests.safety_days import make_day
from tests.unit.safety.test_safety_table import PLANTED, outcome_of

ON_A_CLEAN_DAY = [  # name, value, limit, detail
    ("data_freshness", "2024-06-14", "2024-06-14", ""),
    ("finite_scores", "0 found", "finite and not all equal", ""),
    ("champion_age", "7 days", "0 to 35 days", ""),
    ("equity", "$1,000,000.00", "> 0, positions plus cash", ""),
    ("weights_sum", "1.00000000", "1 ± 0.000001", ""),
    ("long_only", "5.00%", "≥ 0%", ""),
    ("position_limit", "6.00%", "≤ 15.00%", ""),
    ("sector_limit", "Health Care 6.00%", "≤ 30.00%", ""),
    ("cap_class_limit", "large 11.00%", "≤ 70.00%", ""),
    ("regime_cap", "11.00%", "≤ 100.00%", ""),
    ("stop_loss", "no stop", "none in BULL", ""),
    ("correlation", "0.08", "reported above 0.70", "B and C"),
    ("structure", "0 found", "complete rows", ""),
    ("valid_prices", "0 found", "positive and finite", ""),
    ("sub_penny", "0 found", "whole cents", ""),
    ("price_deviation", "0 found", "≤ 10.00% off the last close", ""),
    ("fat_finger", "0 found", "≤ 10 × 5.00% of a median session's volume", ""),
    ("trade_size", "6.00%", "≤ 10.00%", ""),
    ("liquidity", "0.06%", "≤ 5.00%", ""),
    ("buys", "6.00%", "≤ 40.00%", ""),
    ("costs", "0.00%", "≤ 0.50%", ""),
    ("daily_count", "2", "≤ 50", ""),
    ("daily_notional", "11.00%", "≤ 120.00%", ""),
    ("duplicates", "0 found", "one trade per symbol", ""),
    ("sells_are_held", "0 found", "≤ shares held", ""),
    ("cash", "$889,994.00 left", "≥ 0", ""),
    ("new_positions", "0 found", "allowed", ""),
    ("buyable", "0 found", "members, not in quarantine", ""),
    ("towards_target", "0 found", "no trade beyond the target", ""),
    ("after_agrees", "0 found", "held plus traded", ""),
    ("after_limits", "0 found", "no trade above a limit, or further above it", ""),
]

WHAT_IS_FOUND = [  # the same of each planted violation
    ("data_freshness", "2024-06-13", "2024-06-14", "the snapshot ends on 2024-06-13, its bars on 2024-06-14"),
    ("data_freshness", "2024-06-13", "2024-06-14", "the snapshot ends on 2024-06-14, its bars on 2024-06-13"),
    ("finite_scores", "1 found", "finite and not all equal", "1 score not finite"),
    ("finite_scores", "1 found", "finite and not all equal", "1 score not finite"),
    ("finite_scores", "1 found", "finite and not all equal", "all scores are equal"),
    ("finite_scores", "1 found", "finite and not all equal", "there are no scores"),
    ("champion_age", "36 days", "0 to 35 days", ""),
    ("champion_age", "-3 days", "0 to 35 days", "it was trained through 2024-06-17, after this session"),
    ("equity", "$1,000,000.00", "> 0, positions plus cash", "the portfolio states $1,000,001.00"),
    (
        "equity",
        "\N{MINUS SIGN}$100,000.00",
        "> 0, positions plus cash",
        "the portfolio states \N{MINUS SIGN}$100,000.00",
    ),
    ("weights_sum", "0.91000000", "1 ± 0.000001", "weights and cash do not sum to 1"),
    ("weights_sum", "nan", "1 ± 0.000001", "weights and cash do not sum to 1"),
    ("weights_sum", "nan", "1 ± 0.000001", "weights and cash do not sum to 1"),
    ("long_only", "-5.00%", "≥ 0%", "B"),
    ("long_only", "-10.00%", "≥ 0%", ""),
    ("long_only", "nan%", "≥ 0%", "B"),
    ("position_limit", "15.01%", "≤ 15.00%", "C"),
    ("sector_limit", "Health Care 6.00%", "≤ 5.50%", "Health Care"),
    ("cap_class_limit", "large 11.00%", "≤ 10.00%", "large"),
    ("regime_cap", "11.00%", "≤ 10.00%", "BULL allows 10.00%"),
    ("regime_cap", "11.00%", "≤ 0.00%", "CRASH allows 0.00%"),
    ("stop_loss", "1 found", "≤ 20.00% below the recent high", "B"),
    ("stop_loss", "1 found", "≤ 20.00% below the recent high", "C"),
    ("stop_loss", "1 found", "≤ 20.00% below the recent high", "B"),
    ("structure", "1 found", "complete rows", "column reason is missing"),
    ("structure", "1 found", "complete rows", "A, C: unknown side"),
    (
        "structure",
        "2 found",
        "complete rows",
        "A, C: shares are not whole and positive; A, C: notional is not shares × price",
    ),
    (
        "structure",
        "2 found",
        "complete rows",
        "A, C: shares are not whole and positive; A, C: notional is not shares × price",
    ),
    ("structure", "1 found", "complete rows", "A, C: notional is not shares × price"),
    ("structure", "1 found", "complete rows", " ,  : no symbol"),
    ("valid_prices", "2 found", "positive and finite", "A; C"),
    ("valid_prices", "2 found", "positive and finite", "A; C"),
    ("valid_prices", "2 found", "positive and finite", "A; C"),
    ("sub_penny", "2 found", "whole cents", "A; C"),
    ("price_deviation", "2 found", "≤ 10.00% off the last close", "A; C"),
    ("price_deviation", "1 found", "≤ 10.00% off the last close", "UNQUOTED"),
    ("fat_finger", "1 found", "≤ 10 × 5.00% of a median session's volume", "C"),
    ("fat_finger", "1 found", "≤ 10 × 5.00% of a median session's volume", "C"),
    ("trade_size", "10.01%", "≤ 10.00%", "C"),
    ("trade_size", "nan%", "≤ 10.00%", "A, C"),
    ("liquidity", "6.00%", "≤ 5.00%", "C"),
    ("liquidity", "nan%", "≤ 5.00%", "C"),
    ("buys", "6.00%", "≤ 5.00%", "buys of one day"),
    ("costs", "0.50%", "≤ 0.50%", "estimated costs of the day"),
    ("costs", "nan%", "≤ 0.50%", "estimated costs of the day"),
    ("costs", "0.00%", "≤ 0.50%", "a cost is negative"),
    ("daily_count", "2", "≤ 1", ""),
    ("daily_notional", "11.00%", "≤ 10.00%", "buys and sells of one day"),
    ("duplicates", "2 found", "one trade per symbol", "A; A"),
    ("sells_are_held", "1 found", "≤ shares held", "A: 1001 sold, 1000 held"),
    ("sells_are_held", "1 found", "≤ shares held", "D: 1 sold, 0 held"),
    ("cash", "\N{MINUS SIGN}$3.00 left", "≥ 0", "buys exceed the cash after sells"),
    ("cash", "$nan left", "≥ 0", "buys exceed the cash after sells"),
    ("new_positions", "1 found", "none in BULL", "C"),
    ("new_positions", "1 found", "none in CRASH", "C"),
    ("buyable", "1 found", "members, not in quarantine", "C"),
    ("buyable", "1 found", "members, not in quarantine", "C"),
    ("towards_target", "1 found", "no trade beyond the target", "C by 1.00%"),
    ("after_agrees", "4 found", "held plus traded", "A; B; C; CASH is $1.00, the trades leave $889,994.00"),
    ("after_agrees", "1 found", "held plus traded", "CASH is $nan, the trades leave $889,994.00"),
    (
        "after_limits",
        "1 found",
        "no trade above a limit, or further above it",
        "C goes from 0.00% to 6.00%, the limit is 5.50%",
    ),
    (
        "after_limits",
        "1 found",
        "no trade above a limit, or further above it",
        "sector Health Care goes from 0.00% to 6.00%, the limit is 5.50%",
    ),
    (
        "after_limits",
        "1 found",
        "no trade above a limit, or further above it",
        "the portfolio goes from 10.00% to 11.00%, the limit is 10.50%",
    ),
]


def reported(check):
    return (check.name, check.value, check.limit, check.detail)


def test_a_clean_day_shows_what_was_measured_and_what_was_allowed():
    assert [reported(check) for check in run_checks(make_day())] == ON_A_CLEAN_DAY


@pytest.mark.parametrize(("planted", "expected"), list(zip(PLANTED, WHAT_IS_FOUND, strict=True)))
def test_what_is_found_is_reported_with_its_measure_its_limit_and_the_lines_at_fault(planted, expected):
    name, plant = planted

    assert reported(outcome_of(name, plant())) == expected
