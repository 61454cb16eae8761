"""Trading with real money takes two opt-ins: the setting `execution.allows_live`, and the account in the environment.

The setting can be committed and copied; the environment variable belongs to one machine and names one account.
"""

import os
from collections.abc import Mapping

from tasks.core.errors import SafetyError

LIVE_ACCOUNT = "AFTERCLOSE_LIVE_ACCOUNT"


def live_account(environ: Mapping[str, str] = os.environ) -> str:
    """Return the account that the environment names; "" without one."""
    return environ.get(LIVE_ACCOUNT, "").strip()


def missing_opt_ins(account: str, *, allows_live: bool, named: str) -> str:
    """Return what to set so that this account may trade real money; "" if nothing is missing."""
    missing = [] if allows_live else ["execution.allows_live: true in config.yaml"]
    if not named or named != account:
        other = f" (it names {named[:64]})" if named else ""
        missing.append(f"{LIVE_ACCOUNT}={account} in the environment{other}")
    return " and ".join(missing)


def refuse_without_opt_in(mode: str, account: str, *, allows_live: bool, named: str) -> None:
    """Raise SafetyError unless the mode is paper or both opt-ins are for this account."""
    missing = missing_opt_ins(account, allows_live=allows_live, named=named)
    if mode != "paper" and missing:
        raise SafetyError(
            f"The account {account} trades real money, and live trading is not enabled for it.",
            remedy=f"To enable it, set {missing}.",
            account=account,
        )
