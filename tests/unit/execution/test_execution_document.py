"""execution.json and its report show the overrides that hold (A3)."""

from datetime import date

from tasks.execution.progress import Outcome, Progress
from tasks.execution.publication.document import execution_document
from tasks.reporting.execution.page import render_execution
from tests.execution_days import make_execution
from tests.execution_facts import make_override


def document_with(*overrides):
    progress = Progress(Outcome.ENDED, "", None, make_execution(), ())
    return execution_document(progress, {}, (), None, broker="paper", overrides=overrides)


def test_the_overrides_that_hold_are_in_document_and_report():
    document = document_with(make_override("do_not_buy"))

    assert document["overrides"] == [
        {
            "number": 1,
            "what": "do_not_buy, symbol C",
            "until": str(date(2024, 6, 17)),
            "by": "Ada",
            "reason": "a reason",
        }
    ]
    page = render_execution(document, title="T", is_simulated=False).decode()
    assert "Overrides that hold" in page
    assert "do_not_buy, symbol C" in page


def test_without_overrides_there_is_no_such_section():
    assert "Overrides" not in render_execution(document_with(), title="T", is_simulated=False).decode()
