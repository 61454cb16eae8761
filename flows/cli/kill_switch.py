"""The commands of the group `kill-switch`."""

from typing import Annotated

import typer

from flows.cli.options import FOR_ALL, NameOption, ReasonOption
from flows.terminal import show

app = typer.Typer(no_args_is_help=True, help="The kill switch: while it is on, no day is published.")


@app.command("status", epilog=FOR_ALL)
def switch_status(context: typer.Context) -> int:
    """Print whether the switch is on, who or what tripped it, and why."""
    from flows.operations.switch import show_switch

    return show(show_switch(context.obj), context.obj)


@app.command("trip", epilog=FOR_ALL)
def switch_trip(context: typer.Context, by: NameOption, reason: ReasonOption) -> int:
    """Turn the switch on: nothing is published until a named person resets it."""
    from flows.operations.switch import trip

    return show(trip(context.obj, by=by, reason=reason), context.obj)


@app.command("reset", epilog=FOR_ALL)
def switch_reset(
    context: typer.Context,
    by: NameOption,
    reason: ReasonOption,
    trips: Annotated[
        list[str] | None,
        typer.Option("--trip", metavar="N", help="End this trip, as status lists it. Default: the only one."),
    ] = None,
) -> int:
    """End the trips that were looked into; the switch is clear once none is left."""
    from flows.operations.switch import reset

    return show(reset(context.obj, by=by, reason=reason, trips=trips or ()), context.obj)
