"""What the docs assume: a user's directory with files, positions and a home, on a given evening."""

import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pandas as pd

from flows.cli.app import answer
from tasks.core import clock
from tasks.core.errors import CLOSED_SESSION_EXIT_CODE
from tasks.core.sessions import last_closed_session
from tasks.data.providers.base import Delivery
from tests.deliveries import make_delivery
from tests.doc_blocks import blocks
from tests.homes import LAST_SESSION, clean_environ
from tests.unit.data.folders import write_folder

NEXT_SESSION = date(2024, 6, 17)
SYMBOLS = ["AAPL", "BRK.B", "MSFT", *(f"ABC{letter}" for letter in "DEFGHIJKL")]


class Evening(datetime):
    """The clock of the docs: by default the evening of Friday, 14 June 2024."""

    at = datetime(2024, 6, 14, 22, tzinfo=UTC)

    @classmethod
    def now(cls, tz=None):
        return cls.at.astimezone(tz)


class Shell:
    """The part of a shell that the docs need: variables and our own command, in this process."""

    def __init__(self, me: Path, *, home: Path | None = None) -> None:
        self.me = me
        self.at = me if home is None else home
        typed = {"AFTERCLOSE_APPROVAL_PASSPHRASE": "what the user types"}  # there is no terminal here
        self.environ = clean_environ(me, typed if home is None else {**typed, "AFTERCLOSE_HOME": str(home)})

    def run(self, line: str, *, is_idle: bool = False) -> str:
        """Run a line that must succeed, or may have nothing to do; return its output."""
        code, said = self.attempt(line)
        assert code == 0 or (is_idle and code == CLOSED_SESSION_EXIT_CODE), (
            f"{line}: exit code {code}: {said}"
        )
        return said

    def attempt(self, line: str) -> tuple[int, str]:
        """Run a line; return its exit code and output."""
        command, *words = (word.replace("~/", f"{self.me}/") for word in shlex.split(line))
        if command == "export":
            self.environ |= dict(word.split("=", 1) for word in words)
            return 0, ""
        assert command == "afterclose", (
            f"{line}: nothing runs it; say why above its block: <!-- not run: … -->"
        )
        said = StringIO()
        with (
            patch.dict(os.environ, self.environ, clear=True),
            patch.object(clock, "datetime", Evening),
            chdir(self.at),
            redirect_stdout(said),
            redirect_stderr(said),
        ):
            return answer(words), said.getvalue()


def market(sessions: int = 300, *, through: date = LAST_SESSION) -> Delivery:
    """Return bars of some names with a split and a dividend, and a benchmark.

    `sessions` end with the last session of the docs; the next one follows if `through` includes it.
    """
    whole = make_delivery(sessions=sessions + 1, symbols=len(SYMBOLS), last=NEXT_SESSION)
    names = dict(zip(sorted(whole.bars["symbol"].unique()), SYMBOLS, strict=True))
    return Delivery(
        bars=_until(through, whole.bars.assign(symbol=whole.bars["symbol"].map(names))),
        actions=whole.actions.assign(symbol=whole.actions["symbol"].map(names)),
        levels=_until(through, whole.levels),
    )


def _until(last: date, rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["session"] <= pd.Timestamp(last)].reset_index(drop=True)


@contextmanager
def clock_of_page(me: Path) -> Iterator[Callable[[datetime], None]]:
    """Yield what sets the clock to a later time; the folder of files then has the sessions closed by then."""

    def set_clock(at: datetime) -> None:
        Evening.at = at
        write_folder(me / "market-data", market(through=last_closed_session(at).day))

    with patch.object(Evening, "at", Evening.at):
        yield set_clock


def make_world(me: Path) -> None:
    """Create the directory: market-data, positions.csv, and the home `book` with a published day."""
    write_folder(me / "market-data", market())
    positions = next(block.text for block in blocks("csv") if block.page == "docs/first-run.md")
    (me / "positions.csv").write_text(positions + "\n")
    shell = Shell(me)
    for line in (
        "data import ~/market-data --home ~/book",
        "weekly --quick --home ~/book",
        "daily --home ~/book",
    ):
        shell.run(f"afterclose {line}")


def copy_of_world(world: Path, me: Path) -> Path:
    """Copy the directory; its home reads the copied files."""
    shutil.copytree(world, me)
    config = me / "book" / "config.yaml"
    config.write_text(config.read_text().replace(str(world), str(me)))
    return me
