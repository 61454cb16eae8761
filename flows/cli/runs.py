"""Commands without a group: create a home, run a flow in it, check it."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE, NO_VALUE, DayOption, DeploymentOption, FromOption, ToOption
from flows.terminal import preview, show

app = typer.Typer()


@app.command(epilog=GLOBAL_OPTIONS_NOTE)
def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty directory, or the checkout.")],
    *,
    simulated: Annotated[
        bool, typer.Option("--simulated", metavar=NO_VALUE, help="Use a simulated market.")
    ] = False,
) -> int:
    """Create a home with a commented config.yaml; an existing home is left unchanged."""
    from flows.operations.homes.new_home import create_home

    return show(create_home(folder, simulated=simulated), context.obj)


@app.command(epilog=GLOBAL_OPTIONS_NOTE)
def demo(
    context: typer.Context,
    symbols: Annotated[int, typer.Option(min=20, help="Number of companies in the simulated market.")] = 120,
    years: Annotated[int, typer.Option(min=3, help="Years of history.")] = 6,
    days: Annotated[int, typer.Option(min=1, help="Number of sessions to run.")] = 5,
    seed: Annotated[int, typer.Option(help="Random seed; equal seeds give equal demos.")] = 7,
) -> int:
    """Simulate a market, train a champion, run the most recent sessions and write the report. Works offline."""
    from flows.operations.research.demonstration import run_demo

    return show(run_demo(context.obj, symbols=symbols, years=years, days=days, seed=seed), context.obj)


@app.command(epilog=GLOBAL_OPTIONS_NOTE)
def refresh(context: typer.Context, day: DayOption = None) -> int:
    """Update the lake to the given session."""
    from flows.commands import run_refresh

    return show(run_refresh(context.obj, day), context.obj)


@app.command(epilog=GLOBAL_OPTIONS_NOTE)
def daily(
    context: typer.Context,
    day: Annotated[
        str | None,
        typer.Option(
            "--date",
            metavar="D",
            help="YYYY-MM-DD, today, or due: the last closed session, unless it is published already. "
            "Default: the last closed session.",
        ),
    ] = None,
    *,
    dry_run: Annotated[
        bool,
        typer.Option(
            metavar=NO_VALUE,
            help="No effect: `daily` only proposes trades, with either option.",
        ),
    ] = True,
) -> int:
    """Run daily-live for one session and publish live/YYYY-MM-DD/. Needs no server."""
    try:
        from flows.commands import run_daily

        return show(run_daily(context.obj, day, dry_run=dry_run), context.obj)
    except KeyboardInterrupt:
        from flows.operations.homes.interrupted import unpublished

        preview(unpublished(context.obj, day))
        raise


@app.command(epilog=GLOBAL_OPTIONS_NOTE)
def weekly(
    context: typer.Context,
    day: DayOption = None,
    *,
    quick: Annotated[
        bool, typer.Option("--quick", metavar=NO_VALUE, help="Train only models.quick_candidates.")
    ] = False,
    if_needed: Annotated[
        bool,
        typer.Option(
            "--if-needed",
            metavar=NO_VALUE,
            help="Train only if an alert, the champion's age or enough new sessions require it; else exit 4.",
        ),
    ] = False,
) -> int:
    """Run weekly-champion: train the candidates; promote the selected one if it is confirmed and passes the gates.

    Needs no server.
    """
    from flows.commands import run_weekly

    return show(run_weekly(context.obj, day, quick=quick, if_needed=if_needed), context.obj)


@app.command(epilog=GLOBAL_OPTIONS_NOTE)
def backtest(  # noqa: PLR0913, PLR0917 - one parameter per option
    context: typer.Context,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="One of models.candidates without a search space. Default: the first; with --matrix, all.",
        ),
    ] = None,
    optimizer: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Default: portfolio.optimizer; with --matrix, all."),
    ] = None,
    first: FromOption = None,
    last: ToOption = None,
    fill: Annotated[
        str, typer.Option(metavar="PRICE", help="next_open or next_close, of the session after the decision.")
    ] = "next_open",
    cadence: Annotated[int, typer.Option(min=1, help="Sessions between decisions.")] = 1,
    costs: Annotated[
        float | None,
        typer.Option(
            min=0, max=1000, metavar="MULTIPLE", help="Factor for all costs. Default: costs.multiple."
        ),
    ] = None,
    regime: Annotated[
        str | None, typer.Option(metavar="WHICH", help="on, off or both. Default: on; with --matrix, both.")
    ] = None,
    halts: Annotated[
        str,
        typer.Option(
            metavar="WHAT",
            help="When a halt rule trips: reset (resume at the next session), stay_out (buy nothing for the rest "
            "of the backtest) or ignore (do not apply halt rules).",
        ),
    ] = "reset",
    positions: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Starting positions; live: the home's positions on its first published day "
            "on or after --from. Default: cash only.",
        ),
    ] = None,
    *,
    matrix: Annotated[
        bool,
        typer.Option("--matrix", metavar=NO_VALUE, help="Combine all (or all named) models and optimizers."),
    ] = False,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes for --matrix. Default: one per core.")
    ] = None,
) -> int:
    """Backtest one model with one optimizer, or a matrix of several; publish reports/backtests/ID/.

    --model and --optimizer may be repeated. Run an interrupted matrix again to resume it.
    """
    from flows.operations.research.backtest import Request, backtest_one
    from flows.operations.research.matrix import backtest_matrix

    request = Request(
        *(tuple(model or ()), tuple(optimizer or ()), first, last, fill, cadence, costs, regime),
        halts=halts,
        positions=positions,
    )
    if matrix or request.names_several:
        return show(backtest_matrix(context.obj, request, processes=processes), context.obj)
    return show(backtest_one(context.obj, request), context.obj)


@app.command(epilog=GLOBAL_OPTIONS_NOTE)
def doctor(context: typer.Context) -> int:
    """Check the home: what is missing or stale, and how to fix it."""
    from flows.operations.homes.doctor import examine

    return show(examine(context.obj), context.obj)


@app.command(epilog=GLOBAL_OPTIONS_NOTE)
def serve(context: typer.Context, name: DeploymentOption = None) -> int:
    """Run the flows on their schedules in this process until interrupted. Needs a Prefect server."""
    from flows import commands

    return commands.serve(context.obj, name)


@app.command(epilog=GLOBAL_OPTIONS_NOTE)
def deploy(
    context: typer.Context,
    name: DeploymentOption = None,
    systemd: Annotated[
        Path | None,
        typer.Option(
            "--systemd",
            metavar="DIR",
            help="Instead of registering anything: write systemd units for this home into the directory.",
        ),
    ] = None,
) -> int:
    """Register the flows and their schedules with a Prefect server, to be run by workers."""
    if systemd is not None:
        from flows.operations.homes.units import write_units

        return show(write_units(context.obj, systemd), context.obj)
    from flows import commands

    return show(commands.deploy(context.obj, name), context.obj)
