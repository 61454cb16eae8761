"""The input of Qlib's side: the bars in its store format, and its values aligned with ours.

`python -m tests.bench.rivals.qlib_store FOLDER` writes the store of a generated market.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.data.schema.records import Panel
from tasks.features.families.alpha158 import alpha158
from tests.bench.market import BARS, read_panel

PYTHON = Path(__file__).parents[3] / ".venv-qlib" / "bin" / "python"
PROCESS = Path(__file__).parent / "qlib_process.py"
STORE = "qlib"  # in a market's folder

ALPHA158 = tuple(feature.name for feature in alpha158.FEATURES)
# Qlib's published benchmark creates 14 features of daily bars and does not say which: its code was not released
# (microsoft/qlib#85). These are as many plain ones of Alpha158.
FOURTEEN = tuple(
    f"a158_{name}"
    for name in (
        *("kmid", "klen", "roc_5", "roc_20", "ma_5", "ma_20", "ma_60", "std_5", "std_20", "max_20", "min_20"),
        *("corr_20", "vma_20", "vstd_20"),
    )
)


def words(folder: Path, names: Sequence[str], how: str, argument: object) -> list[str]:
    """Return the command that runs Qlib's side on the market's store."""
    theirs = ",".join(name.removeprefix("a158_").replace("_", "").upper() for name in names)
    own = ["env", "MLFLOW_DISABLE_TELEMETRY=true", str(PYTHON), str(PROCESS)]  # importing Qlib imports MLflow
    return [*own, str(folder / STORE), theirs, how, str(argument)]


def write_store(folder: Path, panel: Panel) -> None:
    """Write calendar, instruments, and each symbol's float32 bars after the row at which they begin."""
    store = folder / STORE
    bars = {name: getattr(panel, name) for name in BARS}
    bars["vwap"] = (panel.high + panel.low + panel.close) / 3  # as in our VWAP0
    for name in ("calendars", "instruments"):
        (store / name).mkdir(parents=True)
    (store / "calendars" / "day.txt").write_text("".join(f"{day}\n" for day in panel.sessions))
    first = np.argmax(~np.isnan(panel.close), axis=0)
    spans = [
        f"{symbol}\t{panel.sessions[row]}\t{panel.sessions[-1]}\n"
        for symbol, row in zip(panel.symbols, first, strict=True)
    ]
    (store / "instruments" / "all.txt").write_text("".join(spans))
    for column, (symbol, row) in enumerate(zip(panel.symbols, first, strict=True)):
        own = store / "features" / symbol.lower()
        own.mkdir(parents=True)
        for name, values in bars.items():
            np.append(row, values[row:, column]).astype("<f4").tofile(own / f"{name}.day.bin")


if __name__ == "__main__":
    write_store(Path(sys.argv[1]), read_panel(Path(sys.argv[1])))
