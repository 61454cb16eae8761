"""The flows as Prefect sees them: parameters, states, schedules. What a day does stands in daily.py and weekly.py.

prefect.yaml is the single place of names and schedules; `serve` and `deploy` both read it.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import yaml
from prefect import Flow, flow, serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, State
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron, Schedule
from prefect.states import Completed

from flows.daily import daily_live
from flows.weekly import weekly_champion
from tasks.core.open import find_home, open_run, settings_of
from tasks.core.stage import timings
from tasks.data.latest import training_day

HERE = Path(__file__).parent
CHECKOUT = HERE.parent
PREFECT_FILE = next(
    file
    for file in (HERE / "prefect.yaml", CHECKOUT / "prefect.yaml")
    if file.exists()  # a wheel's, a checkout's
)


@flow(name="daily-live", persist_result=False)
def daily_live_flow(
    date: str | None = None, home: str | None = None, profile: str | None = None
) -> State[Any]:
    """Run the day. Without a date: today at the exchange, so that a holiday shows as Skipped."""
    with open_run(home=home, day=date or "today", profile=profile, doing="daily-live") as run, timings():
        day = daily_live(run)
    if day.folder is None:
        return Completed(name="Skipped", message=day.summary)
    return Completed(message=day.summary)


@flow(name="weekly-champion", persist_result=False)
def weekly_champion_flow(
    date: str | None = None, home: str | None = None, profile: str | None = None, *, quick: bool = False
) -> State[Any]:
    """Choose the champion as of the last closed session, or of the date's."""
    place = find_home(home)
    day = date or training_day(place, settings_of(place, profile).settings)
    with (
        open_run(home=home, day=day, profile=profile, doing="weekly-champion", step_back=True) as run,
        timings(),
    ):
        promotion = weekly_champion(run, quick=quick)
    said = "Promoted" if promotion.promoted else "Kept"
    return Completed(message=f"{said} {promotion.champion.name}: {promotion.reason}")


FLOWS: dict[str, Flow[Any, Any]] = {"daily-live": daily_live_flow, "weekly-champion": weekly_champion_flow}


def serve_here() -> None:
    """Poll for scheduled runs of both flows in this process, without a work pool, until interrupted."""
    serve(*(_served(entry) for entry in _entries()))


def deploy_to_pool() -> None:
    """Register both flows with the work pool that prefect.yaml names, creating the pool when it is absent."""
    pools = sorted({entry["work_pool"]["name"] for entry in _entries()})
    for pool in pools:
        _prefect("work-pool", "create", pool, "--type", "process", "--overwrite")
    _prefect("--no-prompt", "deploy", "--all", "--prefect-file", str(PREFECT_FILE))


def _served(entry: dict[str, Any]) -> RunnerDeployment:
    deployment = FLOWS[entry["name"]].to_deployment(
        name=entry["name"],
        description=entry["description"],
        schedules=[_schedule(schedule) for schedule in entry["schedules"]],
        concurrency_limit=ConcurrencyLimitConfig(
            limit=entry["concurrency_limit"]["limit"],
            collision_strategy=ConcurrencyLimitStrategy(entry["concurrency_limit"]["collision_strategy"]),
        ),
    )
    return cast("RunnerDeployment", deployment)  # a coroutine only where a loop is running, and none is here


def _schedule(entry: dict[str, Any]) -> Schedule:
    return Cron(entry["cron"], timezone=entry["timezone"], active=entry["active"])


def _entries() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = yaml.safe_load(PREFECT_FILE.read_text())["deployments"]
    return entries


def _prefect(*arguments: str) -> None:
    command = [sys.executable, "-m", "prefect", *arguments]
    subprocess.run(command, check=True, cwd=CHECKOUT, env=dict(os.environ))  # noqa: S603 - our own interpreter, fixed words
