import numpy as np
import pytest

from tests.bench import weights
from tests.bench.weights_side import work_of


@pytest.mark.prove
@pytest.mark.skipif(not weights.PYTHON.exists(), reason="not installed: make backtesters")
def test_the_equity_is_that_of_the_other_backtesters(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "FOLDER", tmp_path / "weights")
    with weights.made(60, 12) as folder:
        found = {(row.baseline, row.work): row.ratio for row in weights.agreements(folder)}

    same = [ratio for (name, work), ratio in found.items() if name != "bt" or work.endswith(" 0 bps")]
    assert len(same) == 5
    assert all(float(ratio.split()[-1]) < 1e-9 for ratio in same)


def test_our_side_holds_the_weights_after_costs():
    cents = np.array([[1000, 2000], [1100, 2000], [1100, 2000]])
    target = np.full((3, 2), 0.49)

    course = work_of(cents, target, 0.001)()

    start = course.equity[0]
    assert course.position[1].sum() == pytest.approx(start * 0.49 * (1.1 + 1))
    assert course.costs[1].sum() == pytest.approx(start * 0.98 * 0.001)
    assert course.position[2] / course.equity[1] == pytest.approx([0.49, 0.49])
