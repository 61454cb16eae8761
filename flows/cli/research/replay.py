"""The command `replay`."""

from typing import Annotated

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE, NO_VALUE
from flows.terminal import show

app = typer.Typer()


@app.command("replay", epilog=GLOBAL_OPTIONS_NOTE)
def replay_day(
    context: typer.Context,
    day: Annotated[str, typer.Argument(metavar="D", help="The session, YYYY-MM-DD.")],
    *,
    restated: Annotated[
        bool,
        typer.Option(
            "--restated",
            metavar=NO_VALUE,
            help="Use the data as corrected since then, and list the trades that would differ.",
        ),
    ] = False,
) -> int:
    """Recompute a published day from its manifest and compare every byte. Exits 3 if one differs."""
    if restated:
        from flows.operations.research.restated import replay_restated

        return show(replay_restated(context.obj, day), context.obj)
    from flows.operations.research.replay import replay

    return show(replay(context.obj, day), context.obj)
