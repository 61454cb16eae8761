"""The config.yaml of a new home: the source of data, and the keys changed most often."""

import json
from pathlib import Path
from typing import Literal

IN_THE_HOME = Path("market-data")

TEMPLATE = """\
# Settings of this home; they override the shipped defaults. docs/configuration.md describes every key;
# `afterclose config show` prints the settings in effect and where each value came from.

data:
  provider: {provider} # simulated | files | alpaca | tiingo | fred | yahoo | edgar, or a list: docs/providers.md
  files: {{path: {path}}} # the directory of your CSV or Parquet files: docs/data.md

# portfolio:
#   initial_cash_usd: 1_000_000 # cash of a new portfolio
#   max_positions: 40
#   max_position_frac: 0.15
#   max_sector_frac: 0.30

# trades:
#   min_notional_usd: 100.0
#   max_trades: 50

# safety:
#   max_buys_frac: 0.40
#   max_trade_frac: 0.10
"""


def new_config(provider: Literal["simulated", "files"], files: Path = IN_THE_HOME) -> str:
    """Return the text of the file for the provider; the simulated market is never chosen implicitly."""
    return TEMPLATE.format(provider=provider, path=json.dumps(str(files)))
