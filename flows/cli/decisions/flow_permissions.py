"""The command group `flows`."""

from typing import Annotated

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE, NameOption, ReasonOption
from flows.terminal import show

app = typer.Typer(
    no_args_is_help=True,
    help="Which flows may run: daily-live, execute-approved, intraday-monitor, weekly-champion, or all.",
)

FlowArgument = Annotated[str, typer.Argument(metavar="FLOW", help="Name of the flow, or all.")]


@app.command("status", epilog=GLOBAL_OPTIONS_NOTE)
def flows_status(context: typer.Context) -> int:
    """Print the permission of each flow, who set it and why."""
    from flows.operations.decisions.flow_permissions import show_permits

    return show(show_permits(context.obj), context.obj)


@app.command("run", epilog=GLOBAL_OPTIONS_NOTE)
def flows_run(context: typer.Context, flow: FlowArgument, by: NameOption, reason: ReasonOption) -> int:
    """Allow a flow to run, by schedule and by hand."""
    from flows.operations.decisions.flow_permissions import permit

    return show(permit(context.obj, flow, "run", by=by, reason=reason), context.obj)


@app.command("no-run", epilog=GLOBAL_OPTIONS_NOTE)
def flows_no_run(context: typer.Context, flow: FlowArgument, by: NameOption, reason: ReasonOption) -> int:
    """Refuse to start a flow until `flows run` allows it; one that is running is left alone."""
    from flows.operations.decisions.flow_permissions import permit

    return show(permit(context.obj, flow, "no-run", by=by, reason=reason), context.obj)


@app.command("stop", epilog=GLOBAL_OPTIONS_NOTE)
def flows_stop(context: typer.Context, flow: FlowArgument, by: NameOption, reason: ReasonOption) -> int:
    """End a running flow before its next stage, and refuse to start it. Cancels no order: see kill-switch."""
    from flows.operations.decisions.flow_permissions import permit

    return show(permit(context.obj, flow, "stop", by=by, reason=reason), context.obj)
