"""Notices, settings and homes for the tests of notifications."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config.settings import Settings
from tasks.core.homes.home import Home
from tasks.core.homes.setup import set_up
from tasks.reporting.notify.announcer import Announcer
from tasks.reporting.notify.schema import Attachment, Command, Kind, Notice, Picture, Table, Tone
from tests.builders import FRIDAY, make_settings

EVENING = datetime(2024, 6, 14, 22, tzinfo=UTC)
KEY = "0123456789abcdef0123456789abcdef"
HOSTILE = 'Evil <script>alert(1)</script>\r\nBcc: all@example.com & "Ünïcode" \u202egro'
ONE_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8ffff3f"
    "0005fe02fedccc59e70000000049454e44ae426082"
)


def make_notice(**changes: Any) -> Notice:
    """Return the notice of a day with one trade, a picture and a file."""
    notice = Notice(
        kind=Kind.DAY_PROPOSED,
        key="2024-06-14 a",
        tone=Tone.ACTION,
        subject="2024-06-14: approve 1 trade (buy $18,000, sell $0) before 09:30 ET Monday",
        lead=("One buy is proposed.",),
        facts=(("Equity", "$1,000,000.00"),),
        table=Table(
            "Trades", ("Side", "Symbol", "Shares", "Why"), (("Buy", "MSFT", "40", "score rose"),), (2,)
        ),
        commands=(Command("Approve", "afterclose approve 2024-06-14 --by NAME"),),
        picture=Picture(ONE_PIXEL, "Equity since June: +1.0%", 560, 180),
        attachments=(Attachment("trades.csv", b"symbol,side\nMSFT,BUY\n"),),
        session=FRIDAY,
        data={"trades": 1},
    )
    return replace(notice, **changes)


def email_settings(port: int = 25, **changes: Any) -> Settings:
    """Return settings that mail two people through a plain server of this machine."""
    chosen: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "sender": "afterclose@example.com",
        "recipients": ["ann@example.com", "bob@example.com"],
    } | changes
    return make_settings(**{f"notifications.email.{name}": value for name, value in chosen.items()})


def with_limit(settings: Settings, seconds: float) -> Settings:
    """Return the settings with another time limit for deliveries."""
    notifications = settings.notifications.model_copy(update={"max_delivery_s": seconds})
    return settings.model_copy(update={"notifications": notifications})


class Clock:
    """An instant that a test sets."""

    def __init__(self, at: datetime = EVENING) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


def make_announcer(root: Path, settings: Settings, clock: Clock | None = None) -> Announcer:
    """Return what tells people of a home, which is set up if need be."""
    home = Home(root)
    set_up(home)
    return Announcer(home, settings, clock or Clock())
