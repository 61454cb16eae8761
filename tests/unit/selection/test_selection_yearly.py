import numpy as np
import pandas as pd
import pytest

from tasks.models.training.inference import estimate
from tasks.selection.yearly import year_rows, years_section

SESSIONS = pd.bdate_range("2023-10-02", periods=400, name="session")
VALUES = np.random.default_rng(4).normal(0.01, 0.1, 400)
ICS = pd.DataFrame({"lightgbm": VALUES, "other": 0.0}, index=SESSIONS)


def test_each_year_has_the_estimate_of_its_own_sessions():
    rows = year_rows(ICS, "lightgbm", overlap=5)

    assert [(row[0], row[-1]) for row in rows] == [("2023", "65"), ("2024", "262"), ("2025", "73")]
    found = estimate(VALUES[65:327], overlap=5)
    assert float(rows[1][1].replace("−", "-")) == pytest.approx(found.mean, abs=1e-4)
    assert rows[1][2] == f"{found.low:.4f} to {found.high:.4f}".replace("-", "−")
    assert rows[1][3] == f"{found.t:.2f}".replace("-", "−")


def test_a_later_year_changes_no_earlier_row():
    assert year_rows(ICS[:327], "lightgbm", overlap=5) == year_rows(ICS, "lightgbm", overlap=5)[:2]


def test_a_week_without_an_examined_candidate_has_no_section():
    assert years_section(ICS, None, overlap=5) == []
    assert years_section(ICS.iloc[:0], "momentum", overlap=5) == []
    assert years_section(ICS, "lightgbm", overlap=5)[0] == "## Skill of lightgbm by year"
