"""The command `replay`."""

from typing import Annotated

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE
from flows.terminal import show

app = typer.Typer()


@app.command("replay", epilog=GLOBAL_OPTIONS_NOTE)
def replay_day(
    context: typer.Context, day: Annotated[str, typer.Argument(metavar="D", help="The session, YYYY-MM-DD.")]
) -> int:
    """Recompute a published day from its manifest and compare every byte. Exits 3 if one differs."""
    from flows.operations.research.replay import replay

    return show(replay(context.obj, day), context.obj)
