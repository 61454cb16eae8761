"""The command `execute`."""

from typing import Annotated, Literal

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE, NO_VALUE
from flows.terminal import preview, show
from tasks.core.errors import ConfigError

app = typer.Typer()


@app.command("execute", epilog=GLOBAL_OPTIONS_NOTE)
def execute_day(  # noqa: PLR0913 - one parameter per option
    context: typer.Context,
    day: Annotated[
        str | None,
        typer.Argument(
            metavar="D",
            help="The session, YYYY-MM-DD. Default: all in progress, and the last closed one if it is approved, "
            "or was not answered in time and execution.no_answer is reductions.",
        ),
    ] = None,
    broker: Annotated[
        Literal["paper", "manual", "alpaca"] | None,
        typer.Option("--broker", help="Overrides the setting execution.broker."),
    ] = None,
    minutes: Annotated[
        int,
        typer.Option(
            "--wait",
            metavar="MINUTES",
            min=0,
            max=600,
            help="Longest time to wait for fills; 0: do not wait.",
        ),
    ] = 10,
    give_up: Annotated[
        str,
        typer.Option(
            "--give-up",
            metavar="ORDER_ID",
            help="After the session: stop waiting for this order, which never became final.",
        ),
    ] = "",
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Your name, with --give-up.")] = "",
    second: Annotated[
        str,
        typer.Option(
            "--second", metavar="NAME", help="With --give-up, the second person, where approval.persons is 2."
        ),
    ] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason, with --give-up.")] = "",
    *,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run/--no-dry-run",
            metavar=NO_VALUE,
            help="Show what would be sent, without sending or storing it; --no-dry-run executes.",
        ),
    ] = True,
    scheduled: Annotated[
        bool,
        typer.Option(
            "--scheduled",
            metavar=NO_VALUE,
            help="For schedulers: the setting execution.scheduled_dry_run decides whether this is a dry run.",
        ),
    ] = False,
) -> int:
    """Execute the approved trades of a session. Run it again to continue: no order is sent twice."""
    if give_up and day is None:
        raise ConfigError("--give-up needs the session.", remedy="Write it before --give-up: YYYY-MM-DD.")
    if not give_up and (by or second or reason):
        raise ConfigError("--by, --second and --reason need --give-up.", remedy="Add --give-up ORDER_ID.")
    try:
        from flows.operations.trading.execution import execute, execute_due, give_up_order

        if give_up and day is not None:
            done = give_up_order(context.obj, day, give_up, by=by, second=second, reason=reason)
            return show(done, context.obj)
        is_dry = None if scheduled else dry_run
        done = (
            execute_due(context.obj, broker=broker, dry_run=is_dry, minutes=minutes)
            if day is None
            else execute(context.obj, day, broker=broker, dry_run=is_dry, minutes=minutes)
        )
    except KeyboardInterrupt:
        from flows.operations.trading.orders_left import orders_left

        preview(orders_left(context.obj, day))
        raise
    return show(done, context.obj)
