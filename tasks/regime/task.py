"""The regime stage: the market's state at the close and the exposure cap it sets."""

import logging
import math

import numpy as np

from tasks.core.artifacts import save_frame
from tasks.core.homes.run import Run
from tasks.core.stage import stage
from tasks.data.panel.reader import read_prices
from tasks.data.schema.records import Market
from tasks.regime.exposure import allowances
from tasks.regime.history import INPUT_COLUMNS, history_table, sessions_to_read
from tasks.regime.inputs import compute_inputs
from tasks.regime.notes import regime_notes
from tasks.regime.schema import Regime, State

log = logging.getLogger(__name__)


@stage()
def detect_regime(run: Run, market: Market) -> Regime:
    """Derive the state of the session and the earlier states that the report shows."""
    rules = run.settings.regime
    panel = read_prices(market.snapshot, window=sessions_to_read(rules))
    inputs = compute_inputs(panel)
    history = history_table(panel, inputs, rules).tail(rules.history_sessions)
    today = history.iloc[-1]
    state: State = today["state"]
    measured = {name: float(today[name]) for name in INPUT_COLUMNS}

    allowed = allowances(np.array([state]), np.array([measured["volatility_pct"]]), rules)

    regime = Regime(
        session=run.session.day,
        state=state,
        exposure_cap=float(allowed.exposure_cap[0]),
        size_multiplier=float(allowed.size_multiplier[0]),
        max_buys_frac=float(allowed.max_buys_frac[0]),
        stop_loss_frac=float(allowed.stop_loss_frac[0]),
        allows_new_positions=bool(allowed.allows_new_positions[0]),
        inputs={name: value for name, value in measured.items() if not math.isnan(value)},
        notes=regime_notes(
            inputs, rules, benchmark=run.settings.data.benchmark, index=run.settings.data.volatility_index
        ),
        history=save_frame(run, "regime_history", history),
    )
    log.info("%s, exposure up to %.0f%%", regime.state, regime.exposure_cap * 100)
    return regime
