"""The commands of the group `champion`."""

import typer

from flows.cli.options import FOR_ALL
from flows.terminal import show

app = typer.Typer(no_args_is_help=True, help="The model in production.")


@app.command("show", epilog=FOR_ALL)
def champion_show(context: typer.Context) -> int:
    """Print which model is in production, and why."""
    from flows.operations.inspection import show_champion

    return show(show_champion(context.obj), context.obj)
