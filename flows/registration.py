"""Register both flows of one home with a Prefect server: served from this process, or for a pool's workers.

prefect.yaml is the single place of names and schedules. The home and the profile are written into the deployment, so
that two homes can be deployed side by side and a worker needs to know neither.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml
from prefect import get_client, serve
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.schedules import Cron, Schedule
from prefect.settings import get_current_settings
from prefect.types.entrypoint import EntrypointType
from prefect.workers.process import ProcessWorker

from flows.deployments import FLOWS
from tasks.core.errors import ConfigError, TransientError
from tasks.core.homes.home import Home

PACKAGE = Path(__file__).parent
PREFECT_FILE = next(
    file
    for file in (PACKAGE / "prefect.yaml", PACKAGE.parent / "prefect.yaml")  # a wheel's, a checkout's
    if file.exists()
)


@dataclass(frozen=True)
class Registered:
    """What the server knows now."""

    server: str
    deployments: tuple[str, ...]
    pools: tuple[str, ...]


def register_served(
    home: Home, profile: str | None, name: str | None
) -> tuple[Registered, list[RunnerDeployment]]:
    """Describe both flows for a process that serves them."""
    server = _require_server()
    deployments = [_described(entry, home, profile, name) for entry in _entries()]
    return Registered(server, _names(deployments), ()), deployments


def serve_registered(deployments: list[RunnerDeployment]) -> None:
    """Poll for scheduled runs in this process, without a work pool, until interrupted."""
    serve(*deployments, print_starting_message=False)


def deploy_to_pool(home: Home, profile: str | None, name: str | None) -> Registered:
    """Register both flows with the work pool that prefect.yaml names, creating the pool when it is absent."""
    server = _require_server()
    pools = sorted({entry["work_pool"]["name"] for entry in _entries()})
    with get_client(sync_client=True) as client:
        for pool in pools:
            _create_if_absent(client, pool)
    deployments = [_described(entry, home, profile, name) for entry in _entries()]
    for deployment, entry in zip(deployments, _entries(), strict=True):
        deployment.apply(work_pool_name=entry["work_pool"]["name"])
    return Registered(server, _names(deployments), tuple(pools))


def _require_server() -> str:
    """Return the server's address. Without one Prefect would start a server for every command, on one database."""
    server = get_current_settings().api.url
    if server is None:
        raise ConfigError(
            "No Prefect server is named.",
            remedy="Name it once: `prefect config set PREFECT_API_URL=http://127.0.0.1:4200/api`, "
            "which is where `prefect server start` listens.",
            variable="PREFECT_API_URL",
        )
    with get_client(sync_client=True) as client:
        unreachable = client.api_healthcheck()
    if unreachable is not None:
        raise TransientError(
            f"No Prefect server answers at {server} ({type(unreachable).__name__}).",
            remedy="Start it with `prefect server start`, or name another with PREFECT_API_URL.",
            server=server,
        )
    return server


def _described(entry: dict[str, Any], home: Home, profile: str | None, name: str | None) -> RunnerDeployment:
    flow = FLOWS[entry["name"]]
    full_name = entry["name"] if name is None else f"{entry['name']}-{name}"
    _refuse_another_homes(f"{flow.name}/{full_name}", home)
    deployment = flow.to_deployment(
        name=full_name,
        description=entry["description"],
        parameters={"home": str(home.root), "profile": profile},
        schedules=[_schedule(schedule) for schedule in entry["schedules"]],
        concurrency_limit=ConcurrencyLimitConfig(
            limit=entry["concurrency_limit"]["limit"],
            collision_strategy=ConcurrencyLimitStrategy(entry["concurrency_limit"]["collision_strategy"]),
        ),
        entrypoint_type=EntrypointType.MODULE_PATH,  # found by import, from a checkout and from a wheel alike
    )
    return cast("RunnerDeployment", deployment)  # a coroutine only where a loop is running, and none is here


def _refuse_another_homes(full_name: str, home: Home) -> None:
    """Refuse to take a deployment over from another home: its days would stop without a word."""
    with get_client(sync_client=True) as client:
        try:
            known = client.read_deployment_by_name(full_name).parameters.get("home")
        except ObjectNotFound:
            return
    if known not in (None, str(home.root)):
        raise ConfigError(
            f"{full_name} runs the home {known}.",
            remedy=f"Give this home's deployments a name of their own with --name, or remove that one: "
            f"`prefect deployment delete {full_name}`.",
            deployment=full_name,
            home=str(known),
        )


def _create_if_absent(client: SyncPrefectClient, pool: str) -> None:
    try:
        client.read_work_pool(pool)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name=pool, type="process", base_job_template=template))


def _names(deployments: list[RunnerDeployment]) -> tuple[str, ...]:
    return tuple(f"{deployment.flow_name}/{deployment.name}" for deployment in deployments)


def _schedule(entry: dict[str, Any]) -> Schedule:
    return Cron(entry["cron"], timezone=entry["timezone"], active=entry["active"])


def _entries() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = yaml.safe_load(PREFECT_FILE.read_text())["deployments"]
    return entries
