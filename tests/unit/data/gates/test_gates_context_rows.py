import numpy as np
import pandas as pd

from tasks.data.gates.context_rows import filter_rows, reorder_rows


def test_a_frame_is_copied_only_where_rows_move_or_go():
    """issue 10, done when 4: a copy of an import is gigabytes."""
    days = ["2024-01-02", "2024-01-03", "2024-01-02", "2024-01-03"]
    frame = pd.DataFrame({"symbol": ["BBB", "BBB", "AAA", "AAA"], "session": days, "close": np.arange(4.0)})

    assert reorder_rows(frame, np.arange(4)) is frame
    assert reorder_rows(frame, np.array([3, 2, 1, 0])).equals(frame.iloc[::-1])
    assert filter_rows(frame, np.ones(4, dtype=bool)) is frame
    assert filter_rows(frame, frame["symbol"] == "AAA")["symbol"].tolist() == ["AAA", "AAA"]
