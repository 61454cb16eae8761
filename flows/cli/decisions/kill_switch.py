"""The command group `kill-switch`."""

from typing import Annotated

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE, NameOption, ReasonOption
from flows.terminal import show

app = typer.Typer(
    no_args_is_help=True,
    help="Halt trading. While the switch is on, nothing is bought; "
    "a halt by a person or for bad data blocks sells too.",
)


@app.command("status", epilog=GLOBAL_OPTIONS_NOTE)
def switch_status(context: typer.Context) -> int:
    """Print the state of the switch, and who or what tripped it and why."""
    from flows.operations.decisions.switch import show_switch

    return show(show_switch(context.obj), context.obj)


@app.command("trip", epilog=GLOBAL_OPTIONS_NOTE)
def switch_trip(context: typer.Context, by: NameOption, reason: ReasonOption) -> int:
    """Halt trading: nothing is published until a named person resets the switch."""
    from flows.operations.decisions.switch import trip

    return show(trip(context.obj, by=by, reason=reason), context.obj)


@app.command("reset", epilog=GLOBAL_OPTIONS_NOTE)
def switch_reset(
    context: typer.Context,
    by: NameOption,
    reason: ReasonOption,
    trips: Annotated[
        list[str] | None,
        typer.Option(
            "--trip",
            metavar="N",
            help="Number of the trip to clear, as shown by status. Default: the only active trip.",
        ),
    ] = None,
) -> int:
    """Clear the given trips; the switch is clear when no trip remains."""
    from flows.operations.decisions.switch import reset

    return show(reset(context.obj, by=by, reason=reason, trips=trips or ()), context.obj)
