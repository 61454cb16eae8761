"""Real money needs the setting and the account in the environment; what is missing is named."""

import pytest

from tasks.core.errors import SafetyError
from tasks.execution.live_opt_in import live_account, refuse_without_opt_in


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
