"""The commands of the group `config`."""

import typer

from flows.cli.options import FOR_ALL
from flows.terminal import show

app = typer.Typer(no_args_is_help=True, help="The settings in force.")


@app.command("show", epilog=FOR_ALL)
def config_show(context: typer.Context) -> int:
    """Print every setting in force and where it came from; secrets are masked."""
    from flows.operations.inspection import show_config

    return show(show_config(context.obj), context.obj)
