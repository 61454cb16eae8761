"""A day that `daily` published is approved, protected, rejected, run again and approved once more."""

import json
from datetime import UTC, datetime

import pytest

from tests.approval_days import PASSPHRASE, cheap_key, clock_at
from tests.homes import SESSION_BEFORE, afterclose

DAY = str(SESSION_BEFORE)
EVENING = datetime(2024, 6, 13, 22, tzinfo=UTC)
ANN = ("--by", "Ann Lee")


@pytest.fixture
def say(begun_home, tmp_path):
    key = cheap_key(tmp_path / "keys" / "ann.pem")

    def run(*arguments):
        with clock_at(EVENING):
            ended = afterclose(
                *arguments,
                "--json",
                home=begun_home,
                AFTERCLOSE_APPROVAL_PASSPHRASE=PASSPHRASE,
                AFTERCLOSE_APPROVAL_KEY_FILE=str(key),
            )
        return ended.returncode, json.loads(ended.stdout)

    return run


def test_a_published_day_is_approved_and_then_rewritten_only_after_a_rejection(say, begun_home):
    assert say("approvers", "add", "Ann Lee", *ANN, "--reason", "set-up")[0] == 0

    code, approved = say("approve", DAY, *ANN)
    assert (code, approved["state"]) == (0, "approved"), approved
    code, shown = say("approval", "show", DAY)
    assert (code, shown["demo"], shown["equity_usd"]) == (0, True, "1000000.00")
    assert len(shown["lines"]) > 0
    code, refused = say("daily", "--date", DAY)
    assert code == 3
    assert f"afterclose reject {DAY}" in refused["remedy"].replace(f" --home {begun_home}", "")
    assert say("reject", DAY, *ANN, "--reason", "odd prices")[0] == 0
    assert say("daily", "--date", DAY)[0] == 0
    code, refused = say("approve", DAY, *ANN)
    assert (code, refused["fields"]["reason"]) == (3, "rejected")
    assert say("approve", DAY, *ANN, "--overrule", "prices confirmed")[0] == 0
    assert say("approval", "show", DAY)[0] == 0
    assert say("audit", "verify")[0] == 0
    code, checked = say("doctor")
    assert [one for one in checked["checks"] if one["check"] == "days" and one["verdict"] == "fail"] == []
