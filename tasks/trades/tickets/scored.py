"""Read what the features add to the scores of some names, today and on an earlier session, by today's champion."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pandas as pd

from tasks.core.homes.run import Run
from tasks.data.panel.reader import read_panel
from tasks.data.schema.records import Market
from tasks.features.compute import compute_last, members_frame
from tasks.features.registry import warm_up
from tasks.models.registry.champion import load_champion

BySymbol = Mapping[str, Mapping[str, float]]


def read_contributions(
    run: Run, market: Market, features: pd.DataFrame, symbols: pd.Series, *, before: date | None
) -> tuple[BySymbol, BySymbol]:
    """Return the contributions today and on the session `before`, as known then; none where there are none.

    A name that had another symbol then is missing.
    """
    names = tuple(features.columns)
    limit = run.settings.models.max_age_days
    fitted = load_champion(run.home, session=run.session.day, features=names, max_age_days=limit).fitted
    today = fitted.contributions(features[features.index.isin(symbols)])
    if today is None or before is None:
        return _by_symbol(today), {}
    panel = read_panel(replace(market.snapshot, session=before), window=warm_up(names))
    earlier = members_frame(compute_last(panel, names), panel.is_member[-1])
    return _by_symbol(today), _by_symbol(fitted.contributions(earlier[earlier.index.isin(symbols)]))


def _by_symbol(contributions: pd.DataFrame | None) -> BySymbol:
    if contributions is None:
        return {}
    return {
        str(symbol): {str(name): float(value) for name, value in row.items()}
        for symbol, row in contributions.to_dict("index").items()
    }
