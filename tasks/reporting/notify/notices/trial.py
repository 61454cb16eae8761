"""The message of `afterclose notify test`. Pure."""

from datetime import datetime

from tasks.core.homes.home import Home
from tasks.core.sessions import exchange_minute
from tasks.reporting.notify.schema import Kind, Notice, Tone


def trial_notice(home: Home, at: datetime) -> Notice:
    """Return a message which states that this notification channel works."""
    return Notice(
        kind=Kind.TEST,
        key=at.isoformat(),
        tone=Tone.INFO,
        subject="test message",
        lead=(
            "This notification channel works. No action is needed.",
            f"It was sent by `afterclose notify test` on {exchange_minute(at)}.",
        ),
        facts=(("Home", str(home.root)),),
    )
