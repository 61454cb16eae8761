"""The lifetime trial ledger: every candidate trained and tested in this home, in an append-only chain.

`data/trials/ledger.csv` has one row per trial, hash-chained like the audit log and authenticated with the same key (ADR
12); `data/trials/SESSION/HASH.csv` has its out-of-sample returns, named by the hash of their bytes, which the row
contains. No function takes the number of trials as an argument: it is counted here. A trial is identified by candidate,
parameters, seed, splits and data snapshot: running the same week again adds no trial, any difference does. A ledger
that was edited, truncated or removed stops the selection until a person accepts it; lost trials still count. What a
weekly run selected is a row of its own, which is not a trial.
"""

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import pandas as pd

from tasks.core.accountability import require_name_and_reason
from tasks.core.atomic import write_bytes
from tasks.core.chain.rows import ChainFile, Verdict, append, logged_rows, read_rows, verify
from tasks.core.errors import ModelError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.ids import canonical_json, sha256_of_bytes, sha256_of_record
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes
from tasks.core.secret import read_secret
from tasks.core.text import counted
from tasks.models.registry.metadata import METADATA_NAME, read_metadata
from tasks.models.registry.store import versions_folder
from tasks.safety import audit
from tasks.selection.schema import SelectedWeek
from tasks.selection.trials.history import History, Trial, history_of

FIELDS = (
    *("event", "session", "run", "trial", "candidate", "kind", "parameters"),
    *("seed", "snapshot", "splits", "returns", "detail"),
)
TRIAL, ACCEPTED, SELECTED = "trial", "accepted", "selected"
WEEKLY = "weekly"  # how the runs of a selection begin; others are of backtests
FLOAT_FORMAT = "%.9g"


@dataclass(frozen=True)
class Entry:
    """One trial of the ledger."""

    session: str
    run: str  # the command that made it
    trial: str
    candidate: str
    kind: str
    parameters: str
    returns: str  # SHA-256 of the file of its returns


@dataclass(frozen=True)
class Contents:
    """The ledger's distinct trials in order, the number of lost trials, and its problems."""

    entries: tuple[Entry, ...]
    lost: int
    problems: tuple[str, ...]
    verdict: Verdict
    selected: tuple[SelectedWeek, ...] = ()  # by weekly runs, in the order in which they were recorded

    @property
    def count(self) -> int:
        """The number of all trials, including lost ones."""
        return len(self.entries) + self.lost


@dataclass(frozen=True)
class HomeLedger:
    """The ledger of a home, for the trials of one weekly run. Raises SafetyError if the ledger is not intact."""

    home: Home
    session: str
    run: str
    snapshot: str
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def record(self, trial: Trial) -> None:
        """Append the trial unless the ledger already has it; its returns are on disk before its row."""
        contents = require_intact(self.home, self.environ, returns=False)
        content = _as_csv(trial.returns)
        returns = sha256_of_bytes(content)
        candidate = trial.candidate
        parameters = canonical_json(candidate.parameters)
        key = [candidate.name, candidate.kind, parameters, trial.seed, self.snapshot, trial.splits]
        identity = sha256_of_record(key)
        if any((entry.trial, entry.returns) == (identity, returns) for entry in contents.entries):
            return
        write_bytes(_returns_file(self.home, self.session, returns), content)
        row = (
            *(TRIAL, self.session, self.run, identity, candidate.name, candidate.kind, parameters),
            *(str(trial.seed), self.snapshot, trial.splits, returns, ""),
        )
        append(_chain(self.home), row, key=_key(self.home, self.environ))

    def record_selected(self, candidate: str | None) -> None:
        """Append what the run selected, unless it is what the ledger has last for this session; None: no candidate."""
        contents = require_intact(self.home, self.environ, returns=False)
        found = SelectedWeek(date.fromisoformat(self.session), candidate)
        recorded = [each for each in contents.selected if each.session == found.session]
        if recorded[-1:] == [found]:
            return
        row = (SELECTED, self.session, self.run, "", candidate or "", "", "", "", self.snapshot, "", "", "")
        append(_chain(self.home), row, key=_key(self.home, self.environ))

    def history(self) -> History:
        """Return every trial ever recorded, with its returns."""
        return history_in(self.home, require_intact(self.home, self.environ))


def history_in(home: Home, contents: Contents) -> History:
    """Return the trials of the ledger with their returns."""
    found = [_read_returns(home, entry) for entry in contents.entries]
    known = [_from_csv(content) for content in found if content is not None]
    return history_of(known, unknown=contents.count - len(known))


def with_returns(home: Home, contents: Contents) -> tuple[Entry, ...]:
    """Return the entries whose returns can be read, in order."""
    return tuple(each for each in contents.entries if _read_returns(home, each) is not None)


def first_session(contents: Contents) -> str | None:
    """Return the session of the first weekly selection; None without any. Backtests promote nothing."""
    weekly = (entry.session for entry in contents.entries if entry.run.startswith(WEEKLY))
    return min(weekly, default=None)


def require_intact(home: Home, environ: Mapping[str, str] = os.environ, *, returns: bool = True) -> Contents:
    """Return the contents of the ledger. Raises SafetyError if anything is wrong with it.

    Without `returns`, only the chain is verified, not the files of returns or the count recorded with champions.
    """
    contents = read_contents(home, environ, returns=returns)
    if contents.problems:
        raise SafetyError(
            f"The trial ledger is not intact, so no model can be promoted: {'; '.join(contents.problems)}.",
            remedy=REMEDY,
            path=str(home.trial_ledger),
        )
    return contents


REMEDY = (
    "Restore data/trials and data/trial_anchor.json from a backup; or accept the ledger as it is (lost trials still"
    " count): afterclose trials accept --by NAME --reason TEXT"
)


def read_contents(home: Home, environ: Mapping[str, str] = os.environ, *, returns: bool = True) -> Contents:
    """Return the ledger's contents and problems. A home without a ledger has no trials."""
    chain = _chain(home)
    verdict = verify(chain, key=_key(home, environ))
    rows = [dict(zip(FIELDS, row, strict=True)) for row in read_rows(chain)]
    entries, lost, accepted = _read_entries(rows)
    contents = Contents(entries, lost, (), verdict, _read_selected(rows))
    problems = [
        f"{home.trial_ledger.relative_to(home.root)}, line {found.line}: {found.why}"
        for found in verdict.breaks
    ]
    if returns:
        problems += _missing(home, contents, accepted)
    return replace(contents, problems=tuple(problems))


def accept(
    home: Home, *, by: str, reason: str, at: datetime, environ: Mapping[str, str] = os.environ
) -> Contents:
    """Record that a named person accepts the ledger as it is; trials that can no longer be read still count."""
    require_name_and_reason("Accepting the trial ledger", by=by, reason=reason)
    chain = _chain(home)
    contents = read_contents(home, environ)
    lost = max(logged_rows(chain) - len(read_rows(chain)), _trials_of_champions(home) - contents.count, 0)
    unread = [entry.returns for entry in contents.entries if _read_returns(home, entry) is None]
    detail = canonical_json({"by": by, "reason": reason, "lost": lost, "without_returns": unread})
    audit.record(
        home,
        event="trial_ledger_accepted",
        by=by,
        detail=f"{reason} ({counted(lost, 'trial')} lost)",
        at=at,
        environ=environ,
    )
    append(chain, (ACCEPTED, *[""] * (len(FIELDS) - 2), detail), key=_key(home, environ), renew=True)
    return read_contents(home, environ)


def _missing(home: Home, contents: Contents, accepted: frozenset[str]) -> Iterator[str]:
    """Yield the returns that are missing or edited, and whether champions were deflated for more trials."""
    for entry in contents.entries:
        if entry.returns not in accepted and _read_returns(home, entry) is None:
            path = _returns_file(home, entry.session, entry.returns).relative_to(home.root)
            yield f"{path} is missing or was edited"
    expected = _trials_of_champions(home)
    if expected > contents.count:
        yield (
            f"it has {counted(contents.count, 'trial')}, but a champion's Sharpe ratio was deflated for {expected}"
        )


def _read_entries(rows: Sequence[Mapping[str, str]]) -> tuple[tuple[Entry, ...], int, frozenset[str]]:
    """Return the trials, how many a person accepted as lost, and the returns whose loss a person accepted."""
    entries: dict[tuple[str, str], Entry] = {}
    lost, accepted = 0, set[str]()
    for cells in rows:
        if cells["event"] == ACCEPTED:
            more, without = _accepted(cells["detail"])
            lost, accepted = lost + more, accepted | without
        elif cells["event"] != SELECTED:
            found = Entry(**{name: cells[name] for name in Entry.__dataclass_fields__})
            entries.setdefault((found.trial, found.returns), found)
    return tuple(entries.values()), lost, frozenset(accepted)


def _read_selected(rows: Sequence[Mapping[str, str]]) -> tuple[SelectedWeek, ...]:
    """Return what weekly runs selected; a row whose session is not a date was edited, which breaks the chain."""
    found = []
    for cells in rows:
        if cells["event"] == SELECTED:
            with suppress(ValueError):
                found.append(SelectedWeek(date.fromisoformat(cells["session"]), cells["candidate"] or None))
    return tuple(found)


def _accepted(detail: str) -> tuple[int, set[str]]:
    try:
        record = parse_json(detail.encode())
        return int(record["lost"]), {str(each) for each in record["without_returns"]}
    except (ValueError, KeyError, TypeError):
        return 0, set()  # an edited row: the chain is broken, which is reported


def _trials_of_champions(home: Home) -> int:
    """Return the largest number of trials that a stored champion was measured against; 0 without any."""
    folders = [home.production, *versions_folder(home).glob("*/")]
    counts = [0]
    for folder in folders:
        with suppress(ModelError):  # missing or damaged: the other copies have the figure too
            metrics = read_metadata(folder / METADATA_NAME).champion.metrics
            counts.append(int(metrics.get("trials", 0)))
    return max(counts)


def _read_returns(home: Home, entry: Entry) -> bytes | None:
    """Return the file of a trial's returns; None if it is missing or was edited."""
    try:
        content = read_bytes(_returns_file(home, entry.session, entry.returns))
    except (OSError, ValueError):
        return None
    return content if sha256_of_bytes(content) == entry.returns else None


def _from_csv(content: bytes) -> pd.Series:
    return pd.read_csv(io.BytesIO(content), index_col="session", parse_dates=["session"])["return"]


def _as_csv(returns: pd.Series) -> bytes:
    frame = pd.DataFrame({"return": returns.to_numpy()}, index=pd.Index(returns.index, name="session"))
    return frame.to_csv(date_format="%Y-%m-%d", float_format=FLOAT_FORMAT, lineterminator="\n").encode()


def _returns_file(home: Home, session: str, returns: str) -> Path:
    return home.trials / session / f"{returns}.csv"


def _chain(home: Home) -> ChainFile:
    return ChainFile(home.trial_ledger, home.trial_anchor, FIELDS)


def _key(home: Home, environ: Mapping[str, str]) -> bytes | None:
    return read_secret(audit.KEY, environ, outside=home.root)
