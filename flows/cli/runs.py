"""Commands of no group: make a home, run a flow in it, examine it."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import FOR_ALL, DayOption, DeploymentOption
from flows.terminal import show

app = typer.Typer()


@app.command(epilog=FOR_ALL)
def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An empty or new folder, or the checkout.")],
    *,
    simulated: Annotated[bool, typer.Option("--simulated", help="Its market is simulated.")] = False,
) -> int:
    """Make a folder a home, with a commented config.yaml; a home is left as it is."""
    from flows.operations.new_home import init as make

    return show(make(folder, simulated=simulated), context.obj)


@app.command(epilog=FOR_ALL)
def demo(
    context: typer.Context,
    symbols: Annotated[int, typer.Option(min=20, help="Companies in the simulated market.")] = 120,
    years: Annotated[int, typer.Option(min=3, help="Years of history.")] = 6,
    days: Annotated[int, typer.Option(min=1, help="Last sessions to run.")] = 5,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal demos.")] = 7,
) -> int:
    """Walk the whole story in a simulated market, offline: data, champion, days, report."""
    from flows.commands import demo_here

    return show(demo_here(context.obj, symbols=symbols, years=years, days=days, seed=seed), context.obj)


@app.command(epilog=FOR_ALL)
def refresh(context: typer.Context, day: DayOption = None) -> int:
    """Bring the lake up to the session."""
    from flows.commands import refresh_here

    return show(refresh_here(context.obj, day), context.obj)


@app.command(epilog=FOR_ALL)
def daily(
    context: typer.Context,
    day: DayOption = None,
    *,
    dry_run: Annotated[
        bool, typer.Option(help="Propose only. `daily` itself never submits an order.")
    ] = True,
) -> int:
    """Run daily-live here and now: one session becomes live/YYYY-MM-DD/. Needs no server."""
    from flows.commands import daily_here

    return show(daily_here(context.obj, day, dry_run=dry_run), context.obj)


@app.command(epilog=FOR_ALL)
def weekly(
    context: typer.Context,
    day: DayOption = None,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Train only models.quick_candidates.")] = False,
) -> int:
    """Run weekly-champion here and now: train the candidates, promote the best. Needs no server."""
    from flows.commands import weekly_here

    return show(weekly_here(context.obj, day, quick=quick), context.obj)


@app.command(epilog=FOR_ALL)
def doctor(context: typer.Context) -> int:
    """Say on one screen what is missing or stale, and how to mend it."""
    from flows.operations.doctor import examine

    return show(examine(context.obj), context.obj)


@app.command(epilog=FOR_ALL)
def serve(context: typer.Context, name: DeploymentOption = None) -> int:
    """Run both flows on their schedules in this process, until interrupted (needs a Prefect server)."""
    from flows.commands import serve_from_here

    return serve_from_here(context.obj, name)


@app.command(epilog=FOR_ALL)
def deploy(context: typer.Context, name: DeploymentOption = None) -> int:
    """Register both flows and their schedules with a Prefect server, for workers to run."""
    from flows.commands import deploy_from_here

    return show(deploy_from_here(context.obj, name), context.obj)
