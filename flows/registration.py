"""Register the flows of a home with a Prefect server: served by this process, or run by the workers of a pool.

Names and schedules are in prefect.yaml only. Home and profile are parameters of the deployment, so that two homes can
be deployed on one server and a worker needs neither.
"""

from dataclasses import dataclass
from importlib.metadata import version
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
from tasks.core.reading import read_text
from tasks.core.versions.source_code import CODE_ROOT, code_fingerprint

PACKAGE = Path(__file__).parent
PREFECT_FILE = next(
    file
    for file in (PACKAGE / "prefect.yaml", PACKAGE.parent / "prefect.yaml")  # in a wheel; in a checkout
    if file.exists()
)


@dataclass(frozen=True)
class Registered:
    """The deployments registered with the server, and their work pools."""

    server: str
    deployments: tuple[str, ...]
    pools: tuple[str, ...]


def register_served(
    home: Home, profile: str | None, name: str | None
) -> tuple[Registered, list[RunnerDeployment]]:
    """Return the deployments of the flows, for a process that serves them."""
    server = _require_server()
    deployments = [_deployment(entry, home, profile, name) for entry in _entries()]
    return Registered(server, _names(deployments), ()), deployments


def serve_registered(deployments: list[RunnerDeployment]) -> None:
    """Run scheduled flows in this process, without a work pool, until interrupted."""
    serve(*deployments, print_starting_message=False)


def deploy_to_pool(home: Home, profile: str | None, name: str | None) -> Registered:
    """Register the flows with the work pool in prefect.yaml; create the pool if it does not exist."""
    server = _require_server()
    pools = sorted({entry["work_pool"]["name"] for entry in _entries()})
    with get_client(sync_client=True) as client:
        for pool in pools:
            _create_if_absent(client, pool)
    deployments = [_deployment(entry, home, profile, name) for entry in _entries()]
    for deployment, entry in zip(deployments, _entries(), strict=True):
        deployment.apply(work_pool_name=entry["work_pool"]["name"])
    return Registered(server, _names(deployments), tuple(pools))


def _require_server() -> str:
    """Return the server's URL. Without one Prefect would start a temporary server for every command."""
    server = get_current_settings().api.url
    if server is None:
        raise ConfigError(
            "No Prefect server is configured.",
            remedy="Set it once: `prefect config set PREFECT_API_URL=http://127.0.0.1:4200/api`, "
            "the address where `prefect server start` listens.",
            variable="PREFECT_API_URL",
        )
    with get_client(sync_client=True) as client:
        unreachable = client.api_healthcheck()
    if unreachable is not None:
        raise TransientError(
            f"No Prefect server answers at {server} ({type(unreachable).__name__}).",
            remedy="Start it with `prefect server start`, or set PREFECT_API_URL to another server.",
            server=server,
        )
    return server


def _deployment(entry: dict[str, Any], home: Home, profile: str | None, name: str | None) -> RunnerDeployment:
    flow = FLOWS[entry["name"]]
    full_name = entry["name"] if name is None else f"{entry['name']}-{name}"
    _refuse_deployment_of_another_home(f"{flow.name}/{full_name}", home)
    deployment = flow.to_deployment(
        name=full_name,
        description=entry["description"],
        tags=["afterclose", home.root.name],
        version=f"{version('afterclose')}+{code_fingerprint(CODE_ROOT)[:12]}",
        parameters={"home": str(home.root), "profile": profile},
        schedules=[_schedule(schedule) for schedule in entry["schedules"]],
        concurrency_limit=ConcurrencyLimitConfig(
            limit=entry["concurrency_limit"]["limit"],
            collision_strategy=ConcurrencyLimitStrategy(entry["concurrency_limit"]["collision_strategy"]),
        ),
        entrypoint_type=EntrypointType.MODULE_PATH,  # found by import, from a checkout and from a wheel alike
    )
    return cast("RunnerDeployment", deployment)  # a coroutine only inside a running event loop


def _refuse_deployment_of_another_home(full_name: str, home: Home) -> None:
    """Raise if the deployment runs another home, whose schedule would stop silently."""
    with get_client(sync_client=True) as client:
        try:
            known = client.read_deployment_by_name(full_name).parameters.get("home")
        except ObjectNotFound:
            return
    if known not in (None, str(home.root)):
        raise ConfigError(
            f"The deployment {full_name} already belongs to another home: {known}.",
            remedy=f"Give the deployments of this home their own name with --name, or delete that one: "
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
    entries: list[dict[str, Any]] = yaml.safe_load(read_text(PREFECT_FILE))["deployments"]
    return entries
