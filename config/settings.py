"""Load the one tree of settings: base.yaml, a profile, the home's config.yaml, the environment; later wins."""

from config.sections import (
    Costs,
    Data,
    Models,
    Portfolio,
    Regime,
    Reporting,
    Risk,
    Safety,
    Section,
    Trades,
)


class Settings(Section):
    """Everything that varies and is not data. Frozen; validated as a whole."""

    seed: int
    """Feeds every random choice outside the simulated market."""
    data: Data
    models: Models
    regime: Regime
    risk: Risk
    costs: Costs
    portfolio: Portfolio
    trades: Trades
    safety: Safety
    reporting: Reporting
