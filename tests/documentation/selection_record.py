"""Rewrite the figures of docs/model-selection.md that are measured on real prices (`make selection`).

Rank ICs of single features against the return over five sessions from the close of the decision, which cannot be
traded, from the next open and from the next close; and the standard deviation of a session's IC.
"""

import sys
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema.records import Matrix, Panel
from tasks.features.compute import compute
from tasks.features.labels import forward_return
from tasks.models.training.controls import controls_of
from tasks.models.training.metrics import Metrics, metrics_of
from tests.real_market import import_real_data, read_real_panel

PAGE = Path(__file__).parents[2] / "docs" / "model-selection.md"
BEGIN, END = "<!-- record: begin -->", "<!-- record: end -->"
FIRST, LAST = np.datetime64("2005-01-03"), date(2015, 12, 31)
FEATURES = ("reversal_5", "return_1", "rsi_14", "distance_52w_high", "momentum_12m", "volatility_63")
HORIZON = 5
COLUMNS = (
    *("feature", "rank IC from the close", "from the next open", "from the next close"),
    *("neutral IC, next open", "standard deviation of a session's rank IC", "of its neutral IC"),
)


def from_the_close(panel: Panel) -> Matrix:
    """Return the returns from the close of the decision, as labels were before they could be traded."""
    values = np.full(panel.close.shape, np.nan)
    values[:-HORIZON] = panel.close[HORIZON:] / panel.close[:-HORIZON] - 1
    return values


def table(panel: Panel) -> str:
    """Return one row per feature."""
    returns = {
        "close": from_the_close(panel),
        "next open": forward_return(panel, sessions=HORIZON, entry="next_open").values,
        "next close": forward_return(panel, sessions=HORIZON, entry="next_close").values,
    }
    known = panel.is_member & np.all([np.isfinite(each) for each in returns.values()], axis=0)
    known[panel.sessions < FIRST] = False
    features = compute(panel, FEATURES)
    rows = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for name, values in zip(features.names, features.values, strict=True):
        rows.append(_row(panel, name, values, known & np.isfinite(values), returns))
    return "\n".join(rows)


def _row(
    panel: Panel, name: str, values: NDArray[np.float32], used: NDArray[np.bool_], returns: dict[str, Matrix]
) -> str:
    sessions, symbols = np.nonzero(used)
    controls = controls_of(panel, sessions, symbols)
    scores = values[used].astype(np.float64)

    def measured(entry: str, overlap: int = HORIZON) -> Metrics:
        return metrics_of(scores, returns[entry][used], sessions, overlap=overlap, controls=controls)

    opened, plain = measured("next open"), measured("next open", overlap=1)
    figures = [
        *(f"{each.rank_ic:.4f} (t {each.rank_ic_t:.1f})" for each in map(measured, returns)),
        f"{opened.neutral_ic:.4f} (t {opened.neutral_ic_t:.1f})",
        *(f"{error * np.sqrt(plain.sessions):.3f}" for error in (plain.rank_ic_se, plain.neutral_ic_se)),
    ]
    return f"| `{name}` | {' | '.join(figures)} |".replace("-", "−")


def main() -> None:
    """Print the table and write it between the markers of docs/model-selection.md."""
    with TemporaryDirectory() as folder:
        import_real_data(Path(folder))
        text = table(read_real_panel(Path(folder), LAST))
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
