"""The command group `trials`."""

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE, NameOption, ReasonOption
from flows.terminal import show

app = typer.Typer(epilog=GLOBAL_OPTIONS_NOTE)


@app.callback(invoke_without_command=True)
def trials(context: typer.Context) -> int:
    """Print the number of models tried to date, by candidate, and the Sharpe ratio expected by chance."""
    if context.invoked_subcommand is not None:
        return 0
    from flows.operations.research.trials import show_trials

    return show(show_trials(context.obj), context.obj)


@app.command("accept", epilog=GLOBAL_OPTIONS_NOTE)
def trials_accept(context: typer.Context, by: NameOption, reason: ReasonOption) -> int:
    """Accept the trial ledger as it is; lost trials still count."""
    from flows.operations.research.trials import accept_trials

    return show(accept_trials(context.obj, by=by, reason=reason), context.obj)
