"""A home with one published day and an approver, made without running a day."""

import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from config.settings import config_hash
from tasks.approval.approval_log import Approver
from tasks.approval.decisions import add_approver, add_signature, examine, make_signature
from tasks.approval.key_file import write_new_key
from tasks.approval.keys import PrivateKey, create_key, public_key
from tasks.approval.schema import Approval
from tasks.core import clock
from tasks.core.atomic import write_text
from tasks.core.homes.run import Run
from tasks.core.homes.setup import set_up
from tasks.core.ids import sha256_of_bytes
from tasks.core.versions.source_code import CODE_ROOT, code_fingerprint
from tasks.portfolio.holdings.record import positions_of
from tasks.trades.schema import TRADE_COLUMNS
from tests.builders import FRIDAY, make_run

EVENING = datetime(2024, 6, 14, 22, tzinfo=UTC)  # two hours after the close of Friday
OPEN = datetime(2024, 6, 17, 13, 30, tzinfo=UTC)  # of Monday
PASSPHRASE = "a passphrase of tests"  # noqa: S105
POSITIONS = "symbol,shares\nAAPL,200\nCASH,960000\n"
TRADE_ROWS = (
    "AAPL,SELL,100,200.0000,20000.00,-0.02000000,0.00,1.50,REDUCE,score fell,,MARKET",
    "MSFT,BUY,40,450.0000,18000.00,0.01800000,0.00,1.20,OPEN,score rose,,MARKET",
)
WEIGHT_ROWS = (
    "AAPL,0.0200000000,0.0400000000,100,200.0000,Technology,0.5",
    "MSFT,0.0180000000,0.0000000000,40,450.0000,Technology,0.7",
    "CASH,0.9620000000,0.9600000000,961997.3,1.0000,,",
)


def trades_csv(*rows: str) -> bytes:
    return ("\n".join([",".join(TRADE_COLUMNS), *rows]) + "\n").encode()


def day_files(session=FRIDAY, rows=TRADE_ROWS) -> dict[str, bytes]:
    """Return the files of a day without its manifest: 200 AAPL at $200 and $960,000 in cash before the trades."""
    weights = "\n".join(["symbol,weight,current_weight,shares,price,sector,score", *WEIGHT_ROWS]) + "\n"
    signals = {
        "date": str(session),
        "model": {"name": "lightgbm", "hash": "c" * 64},
        "regime": {"state": "BULL", "exposure_cap": 0.9},
        "scores": {
            "AAPL": {"exact": (0.5).hex(), "rank": 2},
            "MSFT": {"exact": (0.7).hex(), "rank": 1},
        },
        "decided_from": {
            "basis": "b",
            "optimizer": "hrp",
            "ranks": True,
            "score_to_return": (0.01).hex(),
            "volatility_pct": (15.0).hex(),
            "reductions_only": False,
            "data": "d",
        },
    }
    return {
        "trades.csv": trades_csv(*rows),
        "portfolio_weights.csv": weights.encode(),
        "signals.json": json.dumps(signals).encode(),
        "monitoring_log.json": json.dumps({"parity": {"state": "equal"}}).encode(),
        "report.html": b"<!doctype html>\n<p>A report</p>\n",
    }


def manifest_of(run: Run, files: dict[str, bytes]) -> bytes:
    held = positions_of(run.home, initial_cash_usd=run.settings.portfolio.initial_cash_usd)
    manifest = {
        "schema_version": 1,
        "session": str(run.session),
        "status": "published",
        "inputs": {
            "snapshot": "5" * 64,
            "champion": "c" * 64,
            "features": "f" * 64,
            "config": config_hash(run.settings),
            "positions": held.sha256,
        },
        "versions": {"code": code_fingerprint(CODE_ROOT)},
        "sha256": {name: sha256_of_bytes(content) for name, content in files.items()},
        "timings": {"render_day": 0.5},
    }
    return (json.dumps(manifest, sort_keys=True, indent=2) + "\n").encode()


def publish(run: Run, rows=TRADE_ROWS) -> Path:
    """Write the day's folder as `daily` would."""
    files = day_files(run.session.day, rows)
    folder = run.home.day_folder(run.session)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {**files, "manifest.json": manifest_of(run, files)}.items():
        (folder / name).write_bytes(content)
    return folder


def make_home(root: Path, session=FRIDAY, **overrides) -> Run:
    """Return Friday's run of a home with a published day; nobody may approve yet."""
    run = make_run(root, session, **overrides)
    set_up(run.home)
    write_text(run.home.positions_file, POSITIONS)
    publish(run)
    return run


@dataclass(frozen=True)
class Person:
    """An approver with the private key."""

    name: str
    private: PrivateKey
    approver: Approver


def add_person(run: Run, name: str = "Ann Lee") -> Person:
    private = create_key()
    approver = add_approver(
        run.home, name, public_key(private), "Root", "set-up", EVENING - timedelta(days=1)
    )
    return Person(name, private, approver)


def sign_day(run: Run, person: Person, *, at: datetime = EVENING, reason: str = "") -> Approval:
    """Approve the day as the command does."""
    signature = make_signature(examine(run, at), person.name, person.private, reason=reason)
    return add_signature(run, signature, at)


def cheap_key(path: Path) -> Path:
    """Create a key file whose passphrase is PASSPHRASE, quick to open: its cost is stated in the file."""
    write_new_key(path, PASSPHRASE.encode(), log2_cost=4)
    return path


@contextmanager
def clock_at(at: datetime):
    """Set the clock of the program."""

    class Fixed(datetime):
        @classmethod
        def now(cls, tz=None):
            return at.astimezone(tz)

    with patch.object(clock, "datetime", Fixed):
        yield


def folder_of(run: Run) -> Path:
    return run.home.day_folder(run.session)
