"""docs/sql.md: its reference is that of the code, and its questions are answered."""

from datetime import date

import duckdb
import pytest

from tasks.monitoring.store import open_views
from tests.builders import make_settings
from tests.doc_blocks import blocks
from tests.documentation import sql_page
from tests.monitored_days import execute_days, make_days, symbols_named

QUESTIONS = [block.text for block in blocks("sql") if block.page == "docs/sql.md"]


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    home = make_days(tmp_path_factory.mktemp("asked") / "home", sessions=3, symbols=12)
    days = sorted(folder.name for folder in home.live.iterdir() if folder.is_dir())
    execute_days(home, [date.fromisoformat(day) for day in days[:2]], symbols_named(12))
    with open_views(home, make_settings()) as opened:
        yield opened


def test_the_reference_is_up_to_date():
    page = sql_page.PAGE.read_text()

    assert sql_page.with_reference(page) == page


def test_there_are_ten_questions():
    assert len(QUESTIONS) == 10


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered(views, question):
    answer = views.ask(question)

    assert answer.num_columns >= 3


def test_the_return_of_a_session_is_that_of_the_regime_at_the_previous_close():
    (question,) = (each for each in QUESTIONS if "GROUP BY regime" in each)
    with duckdb.connect() as database:
        database.execute(
            """CREATE TABLE equity AS FROM (VALUES (DATE '2024-06-12', NULL, 'BULL'),
            (DATE '2024-06-13', -0.2, 'CRASH'), (DATE '2024-06-14', 0.1, 'BULL'))
            AS days(session, daily_return, regime)"""
        )
        answer = database.execute(question).fetchall()

    assert sorted((state, sessions, float(mean)) for state, sessions, mean, *_ in answer) == [
        ("BULL", 1, -0.2),
        ("CRASH", 1, 0.1),
    ]
