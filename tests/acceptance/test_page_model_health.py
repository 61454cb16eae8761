from dataclasses import replace
from datetime import date

import pytest

from tasks.monitoring.schema import (
    AccountFigures,
    Alert,
    ColumnDrift,
    DataFigures,
    Health,
    Realised,
    SkillWindow,
)
from tasks.reporting.page.rendering import render_day
from tasks.reporting.page.sections.model_health import health_lines
from tests.unit.reporting.example_day import HOSTILE_SCRIPT, make_inputs
from tests.unit.reporting.published import leave_out_charts
from tests.unit.reporting.reading import Report

WINDOW = SkillWindow(
    20,
    0.0312,
    0.028,
    0.011,
    0.052,
    0.03,
    0.0274,
    0.2,
    0.04,
    (-0.002, -0.001, 0.0, 0.001, 0.003),
    0.521,
    0.53,
    0.4,
)
DATA = DataFigures(480, 480.0, 1.0, 0.0, 0.0, 0.7, 0.7)


@pytest.fixture(autouse=True)
def no_charts(monkeypatch):
    leave_out_charts(monkeypatch)


def drifted(column: str, psi: float, largest: float) -> ColumnDrift:
    return ColumnDrift(column, psi, 0.1, 0.1, largest, 1.0, 1.0)


def realised(session: date, ic: float) -> Realised:
    return Realised(
        session, date(2024, 6, 14), "lightgbm", "a" * 64, 5, 470, ic, ic, ic, (), 0.0274, 0.008, 391
    )


def make_health(**changed) -> Health:
    made = Health(
        drift=tuple(drifted(f"feature_{place}", 0.1 * place, 0.35) for place in range(8)),
        realised=(realised(date(2024, 6, 6), 0.01), realised(date(2024, 6, 7), 0.02)),
        skill=(WINDOW,),
        account=AccountFigures(
            80, 1.2, 0.9, -0.02, 0.55, (("BULL", 60, 0.0008, 0.56), ("BEAR", 20, -0.001, 0.4))
        ),
        data=DATA,
        alerts=(),
    )
    return replace(made, **changed)


def page_with(health: Health | None) -> Report:
    inputs = make_inputs()
    shown = replace(inputs, records=replace(inputs.records, health=health))
    return Report(render_day(shown, positions_sha256=None).files["report.html"])


def test_the_columns_furthest_beyond_training_come_first_and_the_latest_session_is_last_known():
    lines = health_lines(make_health())

    assert [one.column for one in lines.drift] == [f"feature_{place}" for place in (7, 6, 5, 4, 3)]
    assert lines.columns == 8
    assert lines.latest.session == date(2024, 6, 7)
    assert [(one.state, one.sessions) for one in lines.by_regime] == [("BULL", 60), ("BEAR", 20)]
    assert health_lines(None) is None


def test_realised_skill_is_shown_with_its_interval_and_its_sessions():
    figures = {one.name: one for one in page_with(make_health()).figures}

    assert figures["skill.20"].shown == "0.0312"
    assert figures["drift.feature_7"].value == 0.7
    text = page_with(make_health()).text
    assert "Since the promotion" in text
    assert "A session counts towards the regime at the previous close" in text
    assert (
        "52.1% of the names were on the side of the median that their score predicted; 53.0% was expected."
        in text
    )
    assert "would be an alert" not in text  # 20 sessions raise none
    longer = replace(WINDOW, sessions=63)
    assert (
        "A drop of 0.0400 or more would be an alert." in page_with(make_health(skill=(WINDOW, longer))).text
    )


def test_before_twenty_sessions_the_latest_stands_alone_and_without_any_it_is_said():
    alone, none = page_with(make_health(skill=())), page_with(make_health(skill=(), realised=()))

    assert "One session is little evidence." in alone.text
    assert "No returns of scored names are known yet." in none.text
    assert "Monitoring did not run on this day." in page_with(None).text


def test_an_alert_is_unusual_and_harmless():
    alert = Alert("feature_drift", 0.7, 0.35, f"{HOSTILE_SCRIPT} moved.", retrain=True)

    text = page_with(make_health(alerts=(alert,))).text

    expected = f"Feature drift: {HOSTILE_SCRIPT} moved. It is a reason to train a new champion."
    assert text.index(expected) < text.index("What to do")
