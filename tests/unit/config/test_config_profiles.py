"""The shipped limits and costs, one by one, and what a profile may change of them.

issue 10, part 2: a default that is changed by a slip of the hand fails here.
"""

import pytest

from config.settings import leaves_of, load_settings, profiles

# key: standard, and where they differ prudent and institutional
LIMITS: dict[str, tuple[object, ...]] = {
    "risk.daily_budget_frac": (0.025, 0.02, 0.015),
    "data.quality.min_present_frac": (0.95,),
    "data.quality.max_quarantined_frac": (0.05,),
    "data.quality.max_repeated_frac": (0.50,),
    "data.quality.max_move_frac": (0.20,),
    "data.quality.quarantine_sessions": (5,),
    "data.universe.min_price_usd": (5.0,),
    "data.universe.min_dollar_volume_usd": (1_000_000.0,),
    "data.universe.min_history_sessions": (253,),
    "models.min_t_statistic": (2.0,),
    "models.min_deflated_sharpe": (0.95, 0.975, 0.99),
    "models.max_train_test_gap": (0.05,),
    "models.max_age_days": (35,),
    "selection.stop_on_leak": (True,),
    "selection.max_overfitting": (1.0,),
    "selection.max_false_promotions": (0.10,),
    "selection.max_false_losses": (0.05,),
    "selection.placebo_runs": (0,),
    "selection.max_placebo_p_value": (1.0,),
    "selection.must_beat_equal_weight": (True,),
    "selection.max_spa_p_value": (1.0,),
    "selection.enforced_thresholds": ([],),
    "selection.min_sharpe": (1.0,),
    "selection.max_drawdown_frac": (0.20,),
    "selection.min_calmar": (0.5,),
    "selection.max_turnover_month_frac": (0.40,),
    "regime.exposure_cap.CRASH": (0.0,),
    "regime.exposure_cap.BEAR": (0.30,),
    "regime.exposure_cap.NEUTRAL": (0.70,),
    "regime.exposure_cap.BULL": (1.0,),
    "regime.reduce_above_volatility": (40.0,),
    "costs.multiple": (1.0,),
    "costs.commission_per_share_usd": (0.0,),
    "costs.min_commission_usd": (0.0,),
    "costs.spread.benchmark_half_bps": (2.08,),
    "costs.spread.volatility_exponent": (0.6667,),
    "costs.spread.volume_exponent": (0.3333,),
    "costs.spread.tick_usd": (0.01,),
    "costs.impact.square_root": (0.60,),
    "costs.impact.linear": (0.157,),
    "costs.impact.opening_auction_volume": (0.011,),
    "costs.impact.closing_auction_volume": (0.08,),
    "costs.volatility_index.mean_sessions": (63,),
    "costs.volatility_index.min_multiplier": (0.5,),
    "costs.volatility_index.max_multiplier": (3.0,),
    "costs.orders.spread_paid_frac.market": (1.0,),
    "costs.orders.spread_paid_frac.limit": (0.5,),
    "costs.orders.spread_paid_frac.twap": (0.5,),
    "costs.orders.spread_paid_frac.vwap": (0.5,),
    "costs.orders.spread_paid_frac.moo": (0.0,),
    "costs.orders.spread_paid_frac.moc": (0.0,),
    "portfolio.initial_cash_usd": (1_000_000.0,),
    "portfolio.max_positions": (40, 40, 50),
    "portfolio.max_position_frac": (0.15, 0.10, 0.02),
    "portfolio.max_sector_frac": (0.30, 0.30, 0.20),
    "portfolio.max_cap_class_frac.large": (0.70,),
    "portfolio.max_cap_class_frac.mid": (0.25,),
    "portfolio.max_cap_class_frac.small": (0.05,),
    "portfolio.max_correlation": (0.70,),
    "risk.max_var_21d_frac": (0.12,),
    "risk.max_volatility": (0.25,),
    "risk.max_beta": (1.30,),
    "risk.max_cluster_frac": (0.50,),
    "risk.max_scenario_loss_frac": (0.65,),
    "risk.max_drawdown_frac": (0.20,),
    "risk.warn_at_frac": (0.90,),
    "trades.min_notional_usd": (100.0,),
    "trades.max_trades": (50,),
    "trades.max_adv_frac": (0.05,),
    "trades.min_weight_change_frac": (0.0025, 0.0025, 0.001),
    "trades.min_drift_frac": (0.05,),
    "trades.survival_runs": (40,),
    "trades.fragile_below_frac": (0.6,),
    "safety.max_buys_frac": (0.40,),
    "safety.max_entry_buys_frac": (1.0,),
    "safety.max_trade_frac": (0.10,),
    "safety.max_cost_frac": (0.005,),
    "safety.max_daily_notional_frac": (1.2,),
    "safety.max_price_deviation_frac": (0.10,),
    "safety.fat_finger_multiple": (10.0,),
    "safety.kill_daily_loss_frac": (0.03, 0.02, 0.02),
    "safety.kill_sharpe": (-1.5, -1.5, 0.5),
    "safety.kill_sharpe_sessions": (126, 126, 30),
    "safety.kill_volatility": (40.0,),
    "safety.kill_stale_sessions": (0,),
}
SECTIONS_OF_LIMITS = ("costs.", "portfolio.", "trades.", "safety.", "selection.")
NOT_LIMITS = (
    "costs.fees.",  # tested by date
    "costs.spread.by_half_hour",
    "costs.impact.volume_by_half_hour",
    "costs.orders.type",
    "costs.orders.half_hour",
    "portfolio.costs_per_year",  # what is held takes precedence: no limit
    "portfolio.keep_rank_multiple",
    "portfolio.methods.",  # parameters of optimizers
    "portfolio.optimizer",
    "portfolio.overlays.",  # off
    "portfolio.solver",
    "portfolio.unknown_sector",
    "selection.finalists",  # shown only
    "selection.optimizers",
    "selection.other_seeds",  # shown only
    "selection.score_weights.",
)

LOOSER_WHEN_SMALLER = {
    "data.quality.min_present_frac",
    "data.quality.quarantine_sessions",
    "data.universe.min_price_usd",
    "data.universe.min_dollar_volume_usd",
    "data.universe.min_history_sessions",
    "models.min_t_statistic",
    "models.min_deflated_sharpe",
    "selection.stop_on_leak",
    "selection.max_false_losses",
    "selection.placebo_runs",
    "selection.must_beat_equal_weight",
    "selection.enforced_thresholds",
    "selection.min_sharpe",
    "selection.min_calmar",
    "safety.kill_sharpe",
    *(key for key in LIMITS if key.startswith("costs.")),  # a cheaper estimate lets more through
    "trades.min_notional_usd",
}
NEITHER = {
    "portfolio.initial_cash_usd",
    "portfolio.max_positions",  # more names under a smaller limit for each
    "trades.min_weight_change_frac",  # a smaller position may drift less before it is traded
    "safety.kill_sharpe_sessions",
}


@pytest.fixture(scope="module")
def in_force(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return {
        name: leaves_of(load_settings(home=home, profile=name, environ={}).settings) for name in profiles()
    }


def test_the_profiles_are_these(in_force):
    assert sorted(in_force) == ["institutional", "prudent", "standard"]


@pytest.mark.parametrize("key", LIMITS)
def test_every_shipped_limit_and_cost_is_what_it_was_decided_to_be(in_force, key):
    standard, *others = LIMITS[key]
    prudent, institutional = others or (standard, standard)

    found = {name: in_force[name][key] for name in ("standard", "prudent", "institutional")}
    assert found == {"standard": standard, "prudent": prudent, "institutional": institutional}


def test_no_limit_is_missing_from_the_table(in_force):
    limits = {key for key in in_force["standard"] if key.startswith(SECTIONS_OF_LIMITS)}

    assert {key for key in limits if not key.startswith(NOT_LIMITS)} <= set(LIMITS)


@pytest.mark.parametrize("profile", ["prudent", "institutional"])
@pytest.mark.parametrize("key", sorted(set(LIMITS) - NEITHER))
def test_a_profile_is_never_looser_than_standard(in_force, profile, key):
    stricter, looser = in_force[profile][key], in_force["standard"][key]

    assert stricter >= looser if key in LOOSER_WHEN_SMALLER else stricter <= looser


def test_a_profile_changes_nothing_but_limits(in_force):
    for profile in ("prudent", "institutional"):
        changed = {key for key, value in in_force[profile].items() if value != in_force["standard"].get(key)}
        assert changed <= set(LIMITS)
