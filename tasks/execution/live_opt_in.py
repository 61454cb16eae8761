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


def refuse_without_opt_in(mode: str, account: str, *, allows_live: bool, named: str) -> None:
    """Raise SafetyError unless the mode is paper or both opt-ins are for this account."""
    if mode == "paper":
        return
    missing = []
    if not allows_live:
        missing.append("execution.allows_live: true in config.yaml")
    if named != account:
        other = f" (it names {named[:64]})" if named else ""
        missing.append(f"{LIVE_ACCOUNT}={account} in the environment{other}")
    if missing:
        raise SafetyError(
            f"The account {account} trades real money, and live trading is not enabled for it.",
            remedy=f"To enable it, set {' and '.join(missing)}.",
            account=account,
        )
