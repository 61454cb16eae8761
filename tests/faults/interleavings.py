"""Interleave refreshes, restatements, crashes and reads at random over a tiny market, and check what readers saw.

`python -m tests.faults.interleavings FOLDER SEED COUNT` prints a line of JSON for each interleaving that failed, and
finally their number. The market has a tree of states: each refresh adds one session, with or without a restatement of
an old bar. The expected read of each state comes from undisturbed lakes. An interleaving starts in a random state,
refreshes, reads at some write boundaries, crashes at another, tries again, and finally succeeds. Each attempt may
restate the old bar or not, so that what a crash leaves behind differs from what is written next. Every read must
return the whole old state or the whole new state of its attempt, and never the old one after the new one.

What a refresh writes is computed once for each state; only reading the head, committing on top of it and reading the
result are repeated. The parent imports everything and starts no thread, so that forks are cheap and safe.
"""

import hashlib
import json
import os
import pickle
import random
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tasks.core.homes.home import Home
from tasks.core.sessions import FIRST_DAY, sessions_between
from tasks.data import task
from tasks.data.intake import update
from tasks.data.lake.commits import commit
from tasks.data.lake.head import Head, read_head
from tasks.data.lake.store import make_snapshot, read_bars
from tasks.data.panel.reader import panel_rules, read_panel
from tasks.data.providers.base import Delivery
from tasks.data.schema.batch import Batch
from tests.deliveries import Served, days_of, make_delivery, scaled, small_run
from tests.faults.crash_points import actor, live_through

STEPS = 2
MOST_READS, MOST_DEATHS = 2, 2
WHOLE = make_delivery(sessions=12, symbols=4)
DELIVERY = Delivery(bars=WHOLE.bars, actions=WHOLE.actions, levels=WHOLE.levels)  # few tables: quick to read
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
FIRST, *LATER = days_of(DELIVERY)[-STEPS - 1 :]

undisturbed = actor("run", 0)

State = tuple[bool, ...]  # of each refresh after the first: was an old bar restated?


class Retelling(Served):
    """Serves the market, and with it one old bar at another price."""

    def fetch(self, **asked: Any) -> Delivery:
        part = super().fetch(**asked)
        step = LATER.index(asked["through"])
        day = days_of(DELIVERY)[step]
        restated = scaled(self.everything, "S03", day, 1.01).bars
        return replace(part, bars=pd.concat([part.bars, restated[restated["session"] == pd.Timestamp(day)]]))


@dataclass(frozen=True)
class Known:
    """A state as it must be seen, what its last refresh writes, and at how many write boundaries."""

    home: Path
    seen: str
    batch: Batch
    boundaries: int


def day_of(state: State) -> date:
    return LATER[len(state) - 1] if state else FIRST


def refresh(home: Path, state: State) -> str:
    """Put the home into the state as a user would, record what was written, and return what is visible."""
    provider = (Retelling if state and state[-1] else Served)(DELIVERY)
    batches = []

    def keeping(lake: Path, head: Head | None, batch: Batch, **facts: Any) -> Head:
        batches.append(batch)
        return commit(lake, head, batch, **facts)

    task.make_provider, update.commit = lambda _run: provider, keeping
    task.refresh_market(small_run(home, day_of(state)))
    batch_file(home).write_bytes(pickle.dumps(batches[0]))
    return look(home)


def batch_file(home: Path) -> Path:
    """Return the path of the batch: outside the home, so that writing it is not a boundary."""
    return home.with_name(f"batch-of-{home.name}")


def try_to_write(home: Path, state: State, batch: Batch, see: Callable[[], None]) -> None:
    """Commit what the refresh into the state writes, if the session is not there yet; look before and after."""
    lake, day = home / "data" / "lake", day_of(state)
    see()
    head = read_head(lake)
    if head is None or head.last_session != day:
        commit(lake, head, batch, provider="served", through=day, at=NOON)
    see()


def look(home: Path) -> str:
    """Return the last session, the snapshot id, how many bars there are, and a hash of every figure of the panel."""
    head = read_head(home / "data" / "lake")
    if head is None or head.last_session is None:
        return "nothing"
    run = small_run(home)
    snapshot = make_snapshot(Home(home).lake, head, head.last_session, panel_rules(run.settings))
    digest = hashlib.sha256()
    for name, value in asdict(read_panel(snapshot, window=None)).items():
        arrays = value if isinstance(value, dict) else {name: value}
        for field, array in arrays.items():
            digest.update(f"{field} {array.dtype} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    bars = read_bars(snapshot.lake, head.versions, since=FIRST_DAY, through=head.last_session)
    return f"{head.last_session} {snapshot.id[:12]} {len(bars.day)} {digest.hexdigest()[:12]}"


def states_of(folder: Path) -> dict[State, Known]:
    """Make every state without disturbance."""
    known: dict[State, Known] = {}
    for length in range(STEPS + 1):
        for state in product((False, True), repeat=length):
            home = folder / ("state-" + "".join("nr"[flag] for flag in state))
            if state:
                shutil.copytree(known[state[:-1]].home, home)
            outcome = live_through(home, partial(refresh, home, state), undisturbed)
            batch = pickle.loads(batch_file(home).read_bytes())  # noqa: S301 - written above
            known[state] = Known(home, outcome["result"], batch, outcome["boundaries"])
    return known


def interleave(rng: random.Random, known: dict[State, Known], home: Path) -> dict[str, Any] | None:
    """Go through one interleaving; return what went wrong, if anything."""
    before: State = tuple(rng.random() < 0.5 for _ in range(rng.randrange(STEPS)))
    shutil.copytree(known[before].home, home)
    log, possible = [f"start from {before}"], {known[before].seen}
    for is_last in (*[False] * rng.randint(1, MOST_DEATHS), True):
        after = (*before, rng.random() < 0.5)
        points = known[after].boundaries
        death = 0 if is_last else rng.randint(1, points)
        reads = {rng.randint(1, points) for _ in range(rng.randint(0, MOST_READS))}
        seen, ended = attempt(home, after, known[after].batch, death, reads)
        log.append(f"go to {after}, read at {sorted(reads)}, die at {death}: {ended}, saw {seen}")
        for one in seen:  # the first is what the try before left
            if one not in possible:
                return {"log": log, "wrong": one}
            possible = {one, known[after].seen}
    shutil.rmtree(home)
    return None if ended == "done" and seen[-1] != known[before].seen else {"log": log}


def attempt(home: Path, state: State, batch: Batch, death: int, reads: set[int]) -> tuple[list[str], str]:
    """Try to write the state; read at some boundaries, as another process would, and die at one."""
    journal = home.with_name(f"seen-in-{home.name}")

    def see() -> None:
        with journal.open("a") as file:
            file.write(look(home) + "\n")

    def act(count: int, what: str) -> None:
        if count == death:
            os.kill(os.getpid(), signal.SIGKILL)
        if count in reads:
            see()

    outcome = live_through(home, partial(try_to_write, home, state, batch, see), act)
    seen = journal.read_text().splitlines()
    journal.unlink()
    return seen, str(outcome["ended"])


def warm_up() -> None:
    """Import and cache what every child needs, as far as no thread comes of it."""
    import deltalake.fs  # noqa: F401
    import pyarrow.compute
    import pyarrow.dataset
    import pyarrow.parquet  # noqa: F401

    small_run(Path())
    sessions_between(FIRST_DAY, LATER[-1])


def main() -> None:
    warm_up()
    folder, seed, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    known = states_of(folder)
    for number in range(count):
        wrong = interleave(rng, known, folder / f"home-{number}")
        if wrong:
            sys.stdout.write(json.dumps({"interleaving": number, **wrong}) + "\n")
    states = len({state.seen for state in known.values()})
    sys.stdout.write(json.dumps({"interleavings": count, "states": states}) + "\n")


if __name__ == "__main__":
    main()
