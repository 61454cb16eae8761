"""Cost settings in which only what a test names costs something."""

from config.costs_section import Costs
from tests.builders import flat_fees, make_settings

FREE = {
    **flat_fees(),
    "costs.commission_per_share_usd": 0.0,
    "costs.min_commission_usd": 0.0,
    "costs.spread.benchmark_half_bps": 0.0,
    "costs.spread.tick_usd": 0.0,
    "costs.impact.square_root": 0.0,
    "costs.impact.linear": 0.0,
    "costs.orders.type": "vwap",  # pays the average spread, times its fraction
    "costs.orders.spread_paid_frac": dict.fromkeys(("market", "limit", "twap", "vwap", "moo", "moc"), 1.0),
}


def make_costs(**changed: object) -> Costs:
    """Return settings where nothing costs anything but what is given: make_costs(**{"impact.linear": 0.1})."""
    return make_settings(**FREE | {f"costs.{key}": value for key, value in changed.items()}).costs


def fees(**given: float) -> dict[str, object]:
    """Return the same fees on every date, for make_costs."""
    return {key.removeprefix("costs."): value for key, value in flat_fees(**given).items()}
