"""The command `demo`: fill its home, backtest the model, and end with five lines that say what there is to see."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.terminal import Options, Result, progress
from tasks.core.errors import AftercloseError
from tasks.core.reading import read_bytes, read_text
from tasks.core.text import counted

if TYPE_CHECKING:
    from flows.demo import Demo
    from tasks.approval.standing import Standing
    from tasks.core.homes.home import Home
    from tasks.reporting.day.executed import ExecutedDay

PARITY = {
    "equal": "equal to the backtest to the share and cent",
    "different": "different from the backtest",
    "not_compared": "not compared with the backtest",
}
# What the last day's state is called; an executed day also says whether its execution ended.
STATES = {
    "open": "waits for you",
    "incomplete": "waits for another signature",
    "approved": "is approved",
    "rejected": "is rejected",
    "empty": "proposes no trades",
    "refused": "cannot be approved",
    "unreadable": "cannot be read",
}


@dataclass(frozen=True)
class TearSheet:
    """The report of the champion's backtest, and its sessions."""

    path: Path
    sessions: int


def run_demo(options: Options, *, symbols: int, years: int, days: int, seed: int) -> Result:
    """Run the demo in the home that --home names, by default demo/ in the current directory."""
    from flows.demo import DemoMarket, fill_demo_home
    from tasks.core.clock import now
    from tasks.core.sessions import last_closed_session

    home = options.home or Path("demo")
    market = DemoMarket(symbols=symbols, years=years, seed=seed)
    last = last_closed_session(now()).day
    with progress(options):
        demo = fill_demo_home(home, market, last=last, days=days, profile=options.profile)
        tear_sheet = _tear_sheet(demo, options.profile)
        standing = _standing(demo, options.profile)
    document = {
        "home": str(demo.home),
        "sessions": [str(day) for day in demo.days],
        "fresh": demo.fresh,
        "report": str(demo.report),
        "executions": [str(page) for page in _executions(demo).values()],
        "tear_sheet": None if isinstance(tear_sheet, str) else str(tear_sheet.path),
        "planted_ic": demo.planted,
        "found": demo.found,
    }
    return Result(document, "\n".join(_lines(demo, tear_sheet, standing)))


def _lines(demo: "Demo", tear_sheet: TearSheet | str, standing: "Standing") -> tuple[str, ...]:
    from tasks.reporting.review.execution_words import has_ended

    executed, last = _executed(demo), demo.days[-1]
    ended = {day for day, one in executed.items() if has_ended(one)}
    if standing.state == "executed":
        state = "is executed" if last in ended else "has an execution that has not ended"
    else:
        state = STATES[standing.state]
    decided = f"{counted(len(ended - {last}), 'earlier day')} executed, {last} {state}"
    decide = "Then decide" if standing.is_signable else "See the day"
    found = demo.found.split(", from ")[0].rstrip(".")
    backtest = (
        f"No tear sheet: {tear_sheet}"
        if isinstance(tear_sheet, str)
        else f"Backtest of the model, {tear_sheet.sessions} sessions: {tear_sheet.path.absolute().as_uri()}"
    )
    planted = f"Planted: an alpha with an information coefficient of {demo.planted:.2f}; real signals have about 0.02."
    return (
        f"Simulated market: {counted(len(demo.days), 'session')}; {decided}. Nothing in it is real.",
        f"{planted} Found: {found}.",
        f"{_execution(demo, [executed[day] for day in sorted(ended)])} {backtest}",
        f"Read this first, {_proposal(demo)}: {demo.report.as_uri()}",
        f"{decide} in the browser: afterclose --home {shlex.quote(str(demo.home))} review {last}",
    )


def _execution(demo: "Demo", ended: Sequence["ExecutedDay"]) -> str:
    if not ended:
        return "No execution has ended."
    closed = "" if ended[-1].is_closed else " not"
    page = _executions(demo)[ended[-1].session]
    return f"Last completed execution, its bridge{closed} closed to the cent: {page.as_uri()}."


def _executed(demo: "Demo") -> dict[date, "ExecutedDay"]:
    from tasks.reporting.day.executed import executed_day

    return {
        day: executed_day(day, read_bytes(page.with_suffix(".json")), estimated_cents=None)
        for day, page in _executions(demo).items()
    }


def _proposal(demo: "Demo") -> str:
    from tasks.core.json_text import parse_json

    _, *trades = read_text(demo.report.parent / "trades.csv").splitlines()
    state = parse_json(read_bytes(demo.report.parent / "monitoring_log.json"))["parity"]["state"]
    return f"{counted(len(trades), 'trade')} proposed on {demo.days[-1]}, {PARITY[state]}"


def _executions(demo: "Demo") -> dict[date, Path]:
    place = _home(demo)
    pages = {day: place.day_folder(day) / "execution.html" for day in demo.days}
    return {day: page for day, page in pages.items() if page.is_file()}


def _standing(demo: "Demo", profile: str | None) -> "Standing":
    """Return the state of the last day's decision: an earlier run of the demo left it to a person."""
    from flows.demo import demo_run
    from tasks.approval.standing import read_standing
    from tasks.core.clock import now

    with demo_run(_home(demo), demo.days[-1], profile) as run:
        return read_standing(run, now())


def _tear_sheet(demo: "Demo", profile: str | None) -> TearSheet | str:
    """Return the address of the champion's tear sheet and its sessions, or why there is none."""
    from flows.demo import demo_run
    from flows.operations.research.backtest import Request, backtest_in
    from tasks.models.registry.store import read_champion

    with demo_run(_home(demo), demo.days[-1], profile) as run:
        known = {candidate.name for candidate in run.settings.models.candidates}
        models = tuple({read_champion(run.home).name} & known)
        request = Request(models, (), None, None, fill="next_open", cadence=1, costs=None, regime=None)
        try:
            found: Mapping[str, Any] = backtest_in(run, request, (None, None)).document
        except AftercloseError as error:
            return error.what
    return TearSheet(Path(str(found["report"])), int(found["figures"]["total_return"]["sessions"]))


def _home(demo: "Demo") -> "Home":
    from tasks.core.homes.opening import named_home

    return named_home(demo.home)
