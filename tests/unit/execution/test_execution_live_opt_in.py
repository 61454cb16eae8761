"""Real money needs the setting and the account in the environment; what is missing is named."""

from dataclasses import replace

import pytest

from tasks.approval.task import verify_approval
from tasks.core.errors import SafetyError
from tasks.execution.gates.live_opt_in import live_account, refuse_without_opt_in
from tasks.execution.task import begin_execution
from tests.approval_days import EVENING, add_person, make_home, sign_day


def test_paper_trading_needs_no_opt_in():
    refuse_without_opt_in("paper", "P1", allows_live=False, named="")


def test_both_opt_ins_for_this_account_allow_it():
    refuse_without_opt_in(
        "live", "L1", allows_live=True, named=live_account({"AFTERCLOSE_LIVE_ACCOUNT": " L1 "})
    )


@pytest.mark.parametrize(
    ("allows_live", "named", "remedy"),
    [
        (False, "L1", "set execution.allows_live: true in config.yaml."),
        (True, "", "set AFTERCLOSE_LIVE_ACCOUNT=L1 in the environment."),
        (True, "L2", "set AFTERCLOSE_LIVE_ACCOUNT=L1 in the environment (it names L2)."),
        (
            False,
            "",
            "set execution.allows_live: true in config.yaml and AFTERCLOSE_LIVE_ACCOUNT=L1 in the environment.",
        ),
    ],
)
def test_what_is_missing_is_named(allows_live, named, remedy):
    with pytest.raises(SafetyError) as refused:
        refuse_without_opt_in("live", "L1", allows_live=allows_live, named=named)

    assert refused.value.what == "The account L1 trades real money, and live trading is not enabled for it."
    assert refused.value.remedy == f"To enable it, {remedy}"


def test_an_unknown_mode_counts_as_live():
    with pytest.raises(SafetyError):
        refuse_without_opt_in("demo", "L1", allows_live=False, named="L1")


def test_an_execution_with_real_money_does_not_begin_without_them(tmp_path, monkeypatch):
    monkeypatch.delenv("AFTERCLOSE_LIVE_ACCOUNT", raising=False)
    run = make_home(tmp_path)
    sign_day(run, add_person(run))
    approved = verify_approval(run, EVENING)
    live = replace(approved, envelope=approved.envelope.model_copy(update={"mode": "live"}))

    with pytest.raises(SafetyError, match="live trading is not enabled"):
        begin_execution(run, live, EVENING)

    assert not run.home.ledger_file.exists()
