"""The commands of the group `audit`."""

import typer

from flows.cli.options import FOR_ALL, NameOption, ReasonOption
from flows.terminal import show

app = typer.Typer(no_args_is_help=True, help="The log of who halted, resumed and declared what.")


@app.command("verify", epilog=FOR_ALL)
def audit_verify(context: typer.Context) -> int:
    """Follow the log's chain of digests; say where it breaks, and whether the rows are keyed."""
    from flows.operations.audit import verify_log

    return show(verify_log(context.obj), context.obj)


@app.command("accept", epilog=FOR_ALL)
def audit_accept(context: typer.Context, by: NameOption, reason: ReasonOption) -> int:
    """Let the log stand as it is, damage included, in a person's name; with a key, from here on keyed."""
    from flows.operations.audit import accept_log

    return show(accept_log(context.obj, by=by, reason=reason), context.obj)
