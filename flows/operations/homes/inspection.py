"""Show the settings or the regimes of a home. Changes nothing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flows.operations.exports import export_path
from flows.terminal import Options, Result
from tasks.core.errors import DataError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home, settings_of

if TYPE_CHECKING:
    from config.settings import Settings
    from tasks.data.schema.records import SnapshotRef
    from tasks.regime.schema import State

SESSIONS_SHOWN = 30


def show_config(options: Options) -> Result:
    """Return every setting with the layer that set it; secrets are masked."""
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
    """Return the layer that set the key, or its parent when that was given as one value."""
    while key not in origins and "." in key:
        key = key.rpartition(".")[0]
    return origins.get(key, "base.yaml")


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Align rows (at least one) in columns; the last column is not padded."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    )


def _plain(value: object) -> str:
    return json.dumps(value) if not isinstance(value, str) else value


def show_regimes(options: Options, *, first: str | None, last: str | None, csv: Path | None) -> Result:
    """Return the regime of each session of the lake and its inputs; on a terminal the last 30 sessions."""
    from tasks.core.atomic import write_text
    from tasks.core.homes.opening import parsed_date
    from tasks.regime.schema import STATES
    from tasks.regime.store import regime_history

    home = find_home(options.home)
    settings = settings_of(home, options.profile).settings
    table = regime_history(
        snapshot_of(home, settings),
        settings.regime,
        first=None if first is None else parsed_date(first),
        last=None if last is None else parsed_date(last),
    )
    if csv is not None:
        write_text(
            export_path(csv, home, settings), table.to_csv(date_format="%Y-%m-%d", float_format="%.6g")
        )
    counts = {state: int((table["state"] == state).sum()) for state in STATES}
    records = json.loads(table.reset_index().to_json(orient="records", date_format="iso", date_unit="s"))
    rows = [{**record, "session": record["session"][:10]} for record in records]
    shown = [] if csv is not None else rows if first or last else rows[-SESSIONS_SHOWN:]
    document = {"sessions": rows, "counts": counts, "csv": None if csv is None else str(csv)}
    return Result(document, "\n".join(_regime_lines(shown, counts, csv)))


def _regime_lines(
    rows: list[dict[str, object]], counts: Mapping["State", int], csv: Path | None
) -> Iterator[str]:
    if rows:
        cells = [tuple(_figure(value) for value in row.values()) for row in rows]
        yield aligned([tuple(rows[0]), *cells])
    total = sum(counts.values())
    of_states = ", ".join(f"{state} {count:,}" for state, count in counts.items())
    yield f"all {total:,} sessions: {of_states}" if len(rows) < total else f"sessions: {of_states}"
    if 0 < len(rows) < total:
        yield f"shown: the last {len(rows)}; --from and --to choose others, --csv FILE writes all"
    if csv is not None:
        yield f"written to {csv}"


def _figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "–" if value is None else str(value)


def snapshot_of(home: Home, settings: "Settings") -> "SnapshotRef":
    """Return the snapshot of the lake up to its last session; raise if the lake is empty."""
    from tasks.data.lake.head import read_head
    from tasks.data.lake.storage.location import lake_of
    from tasks.data.lake.store import make_snapshot
    from tasks.data.panel.reader import panel_rules

    lake = lake_of(home, settings)
    head = read_head(lake)
    if head is None or head.last_session is None:
        raise DataError("The lake is empty.", remedy="Run `afterclose refresh` first.", lake=str(lake))
    return make_snapshot(lake, head, head.last_session, panel_rules(settings))
