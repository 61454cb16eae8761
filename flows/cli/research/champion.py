"""The command group `champion`."""

from typing import Annotated

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE, NameOption, ReasonOption
from flows.terminal import show

app = typer.Typer(no_args_is_help=True, help="The model in production, its versions, and rollback.")


@app.command("show", epilog=GLOBAL_OPTIONS_NOTE)
def champion_show(context: typer.Context) -> int:
    """Print the model in production, its metrics, why it was selected, and its challenger."""
    from flows.operations.research.champion import show_champion

    return show(show_champion(context.obj), context.obj)


@app.command("compare", epilog=GLOBAL_OPTIONS_NOTE)
def champion_compare(context: typer.Context) -> int:
    """Compare the challenger, which scores every session in shadow, with the champion on the same sessions."""
    from flows.operations.research.shadow import compare_challenger

    return show(compare_challenger(context.obj), context.obj)


@app.command("history", epilog=GLOBAL_OPTIONS_NOTE)
def champion_history(context: typer.Context) -> int:
    """Print the stored versions, and how many published days each of them scored."""
    from flows.operations.research.champion import show_history

    return show(show_history(context.obj), context.obj)


@app.command("rollback", epilog=GLOBAL_OPTIONS_NOTE)
def champion_rollback(
    context: typer.Context,
    by: NameOption,
    reason: ReasonOption,
    version: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="VERSION",
            help="Name or number, as shown by history. Default: the previous version.",
        ),
    ] = None,
) -> int:
    """Restore an earlier version byte for byte, and record who did so in the audit log."""
    from flows.operations.research.champion import roll_back

    return show(roll_back(context.obj, version=version, by=by, reason=reason), context.obj)
