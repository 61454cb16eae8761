"""The command group `audit`."""

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE, NameOption, ReasonOption
from flows.terminal import show

app = typer.Typer(
    no_args_is_help=True,
    help="The audit log: who halted or resumed trading, approved or rejected a day, declared positions, "
    "or restored a champion.",
)


@app.command("verify", epilog=GLOBAL_OPTIONS_NOTE)
def audit_verify(context: typer.Context) -> int:
    """Verify the hash chain: report where it breaks and how many rows are authenticated with the audit key (HMAC).

    Also compares every day with its recorded plan. Exits 3 if the chain is broken or a day differs.
    """
    from flows.operations.decisions.audit import verify_log

    return show(verify_log(context.obj), context.obj)


@app.command("accept", epilog=GLOBAL_OPTIONS_NOTE)
def audit_accept(context: typer.Context, by: NameOption, reason: ReasonOption) -> int:
    """Accept the log as it is, damage included; if a key is set, later rows are authenticated with it."""
    from flows.operations.decisions.audit import accept_log

    return show(accept_log(context.obj, by=by, reason=reason), context.obj)
