"""Compare our Alpha158 with Qlib's on the same bars, over complete windows.

`python -m tests.bench.agreement FOLDER` prints the largest difference of a generated market. It is taken against Qlib's
value or the feature's typical one, whichever is larger: a correlation may happen to be 0, and Qlib keeps float32.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.data.schema.records import Mask, Matrix, Panel
from tasks.features.compute import compute_raw
from tasks.features.registry import selected
from tests.bench.market import on_panel, read_panel
from tests.bench.rivals.qlib_store import ALPHA158, words


def differences(folder: Path, panel: Panel) -> dict[str, float]:
    """Return the largest difference of each feature of Alpha158 from Qlib's, run on the store in the directory."""
    written = folder / "values.parquet"
    subprocess.run(words(folder, ALPHA158, "values", written), check=True)
    theirs = pd.read_parquet(written)
    features = selected(ALPHA158)
    ours = compute_raw(panel, features)
    columns = theirs.columns.drop(["instrument", "datetime"])
    found = {}
    for feature, values, column in zip(features, ours, columns, strict=True):
        placed = on_panel(panel, theirs["instrument"], theirs["datetime"].to_numpy(), theirs[column])
        found[feature.name] = largest_difference(values, placed, whole_windows(panel, feature.window))
    return found


def largest_difference(ours: Matrix, theirs: Matrix, where: Mask) -> float:
    """Return infinity where only one of them has a value."""
    ours, theirs = ours[where].astype(np.float64), theirs[where]
    if not np.array_equal(np.isnan(ours), np.isnan(theirs)):
        return np.inf
    size = np.abs(theirs)
    return float(np.nanmax(np.abs(ours - theirs) / np.maximum(size, np.nanmedian(size))))


def whole_windows(panel: Panel, window: int) -> Mask:
    """Mark the rows whose window is in the panel and has every bar."""
    present = pd.DataFrame(~np.isnan(panel.close))
    return (present.rolling(window).sum() == window).to_numpy()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    sys.stdout.write(str(max(differences(folder, read_panel(folder)).values())))
