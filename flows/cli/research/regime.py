"""The command group `regime`."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE, FromOption, ToOption
from flows.terminal import show

app = typer.Typer(no_args_is_help=True, help="The market regime.")


@app.command("history", epilog=GLOBAL_OPTIONS_NOTE)
def regime_history(
    context: typer.Context,
    first: FromOption = None,
    last: ToOption = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the table to this new file.")
    ] = None,
) -> int:
    """Print the regime of each session and its inputs."""
    from flows.operations.homes.inspection import show_regimes

    return show(show_regimes(context.obj, first=first, last=last, csv=csv), context.obj)
