"""The commands of the group `positions`."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import FOR_ALL, NameOption, ReasonOption
from flows.terminal import show

app = typer.Typer(no_args_is_help=True, help="What is held.")


@app.command("show", epilog=FOR_ALL)
def positions_show(context: typer.Context) -> int:
    """Print what is held: shares by symbol, and the cash."""
    from flows.operations.positions import show_positions

    return show(show_positions(context.obj), context.obj)


@app.command("import", epilog=FOR_ALL)
def positions_import(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV: symbol, shares [, session]; a CASH row.")
    ],
    by: NameOption,
    reason: ReasonOption,
    *,
    accept_history: Annotated[
        bool,
        typer.Option("--accept-history", help="Let the performance history stand though rows are gone."),
    ] = False,
) -> int:
    """Declare what is held, in a person's name: it replaces live/current_positions.csv."""
    from flows.operations.positions import import_positions

    done = import_positions(context.obj, file, by=by, reason=reason, accept_history=accept_history)
    return show(done, context.obj)
