"""Look at a home without changing it: settings, lake, champion, regimes."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

from flows.terminal import Options, Result
from tasks.core.open import find_home, settings_of


def show_config(options: Options) -> Result:
    """Every setting in force with the layer that set it; secrets are masked."""
    from config.settings import config_hash, leaves_of

    home = find_home(options.home)
    loaded = settings_of(home, options.profile)
    values = leaves_of(loaded.settings)
    document = {
        "home": str(home.root),
        "config_hash": config_hash(loaded.settings),
        "settings": {
            key: {"value": value, "from": origin_of(key, loaded.origins)} for key, value in values.items()
        },
    }
    rows = [(key, origin_of(key, loaded.origins), _plain(value)) for key, value in values.items()]
    return Result(document, aligned(rows))


def origin_of(key: str, origins: dict[str, str]) -> str:
    """Return the layer that set the key or, for what was given as one value, its parent."""
    while key not in origins and "." in key:
        key = key.rpartition(".")[0]
    return origins.get(key, "base.yaml")


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Write rows as columns; the last column is left ragged."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    )


def _plain(value: object) -> str:
    return json.dumps(value) if not isinstance(value, str) else value


def show_champion(options: Options) -> Result:
    """Which model is in production, why, and that its bytes are the ones that were promoted."""
    from tasks.models.store import read_production

    champion = read_production(find_home(options.home)).metadata.champion
    document = {
        key: str(value) if isinstance(value, date) else value for key, value in asdict(champion).items()
    }
    metrics = [(f"  {name}", f"{value:.4g}") for name, value in champion.metrics.items()]
    facts = [(name.replace("_", " "), str(value)) for name, value in document.items() if name != "metrics"]
    return Result(document, aligned([*facts, *metrics]))
