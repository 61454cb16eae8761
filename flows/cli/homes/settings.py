"""The command group `config`."""

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE
from flows.terminal import show

app = typer.Typer(no_args_is_help=True, help="The settings in effect.")


@app.command("show", epilog=GLOBAL_OPTIONS_NOTE)
def config_show(context: typer.Context) -> int:
    """Print every setting and the layer that set it; secrets are masked."""
    from flows.operations.homes.inspection import show_config

    return show(show_config(context.obj), context.obj)
