"""The command `demo`: fill its home, backtest the model, and end with five lines that say what there is to see."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.terminal import Options, Result, progress
from tasks.core.errors import AftercloseError
from tasks.core.text import counted

if TYPE_CHECKING:
    from flows.demo import Demo
    from tasks.core.homes.home import Home

PARITY = {
    "equal": "equal to the backtest in every share and cent",
    "different": "different from the backtest",
    "not_compared": "not compared with the backtest",
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
    document = {
        "home": str(demo.home),
        "sessions": [str(day) for day in demo.days],
        "fresh": demo.fresh,
        "report": str(demo.report),
        "executions": [str(page) for page in _executions(demo)],
        "tear_sheet": None if isinstance(tear_sheet, str) else str(tear_sheet.path),
        "planted_ic": demo.planted,
        "found": demo.found,
    }
    return Result(document, "\n".join(_lines(demo, tear_sheet)))


def _lines(demo: "Demo", tear_sheet: TearSheet | str) -> tuple[str, ...]:
    executions, last = _executions(demo), demo.days[-1]
    decided = f"{counted(len(executions), 'day')} approved and executed by the demo, {last} waits for you"
    found = demo.found.split(", from ")[0].rstrip(".")
    backtest = (
        f"No tear sheet: {tear_sheet}"
        if isinstance(tear_sheet, str)
        else f"Backtest of the model, {tear_sheet.sessions} sessions: {tear_sheet.path.absolute().as_uri()}"
    )
    planted = (
        f"Planted: an alpha with an information coefficient of {demo.planted:.2f}; real signals have 0.02."
    )
    return (
        f"Simulated market: {counted(len(demo.days), 'session')}; {decided}. Nothing in it is real.",
        f"{planted} Found: {found}.",
        f"{_execution(executions)} {backtest}",
        f"Read this first, {_proposal(demo)}: {demo.report.as_uri()}",
        f"Then decide in the browser: afterclose --home {shlex.quote(str(demo.home))} review {last}",
    )


def _execution(pages: list[Path]) -> str:
    from tasks.reporting.day.executed import executed_day

    if not pages:
        return "No earlier day proposed trades, so none was executed."
    day = date.fromisoformat(pages[-1].parent.name)
    content = pages[-1].with_suffix(".json").read_bytes()
    closed = "" if executed_day(day, content, estimated_cents=None).is_closed else " not"
    return f"Last execution, its bridge{closed} closed to the cent: {pages[-1].as_uri()}."


def _proposal(demo: "Demo") -> str:
    from tasks.core.json_text import parse_json

    _, *trades = (demo.report.parent / "trades.csv").read_text().splitlines()
    state = parse_json((demo.report.parent / "monitoring_log.json").read_bytes())["parity"]["state"]
    return f"{counted(len(trades), 'trade')} proposed on {demo.days[-1]}, {PARITY[state]}"


def _executions(demo: "Demo") -> list[Path]:
    place = _home(demo)
    pages = [place.day_folder(day) / "execution.html" for day in demo.days]
    return [page for page in pages if page.is_file()]


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
