"""The commands of the group `regime`."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import FOR_ALL, FromOption, ToOption
from flows.terminal import show

app = typer.Typer(no_args_is_help=True, help="The state of the market.")


@app.command("history", epilog=FOR_ALL)
def regime_history(
    context: typer.Context,
    first: FromOption = None,
    last: ToOption = None,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write it there.")] = None,
) -> int:
    """Print the state of every session and what it was read from."""
    from flows.operations.inspection import show_regimes

    return show(show_regimes(context.obj, first=first, last=last, csv=csv), context.obj)
