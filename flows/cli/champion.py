"""The command group `champion`."""

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE
from flows.terminal import show

app = typer.Typer(no_args_is_help=True, help="The model in production.")


@app.command("show", epilog=GLOBAL_OPTIONS_NOTE)
def champion_show(context: typer.Context) -> int:
    """Print the model in production, its metrics, and why it was selected."""
    from flows.operations.inspection import show_champion

    return show(show_champion(context.obj), context.obj)
