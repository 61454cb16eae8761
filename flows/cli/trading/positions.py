"""The command group `positions`."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import (
    GLOBAL_OPTIONS_NOTE,
    NO_VALUE,
    DayOption,
    FromOption,
    NameOption,
    ReasonOption,
    ToOption,
)
from flows.terminal import show

app = typer.Typer(
    no_args_is_help=True, help="The positions of the portfolio, and the ledger they are derived from."
)
AmountArgument = Annotated[str, typer.Argument(metavar="USD", help="US dollars, at most two decimals.")]
ReferenceOption = Annotated[
    str,
    typer.Option(
        "--reference", metavar="TEXT", help="Distinguishes a second booking of the same amount and session."
    ),
]


@app.command("show", epilog=GLOBAL_OPTIONS_NOTE)
def positions_show(context: typer.Context) -> int:
    """Print the shares of each symbol, and the cash."""
    from flows.operations.trading.positions import show_positions

    return show(show_positions(context.obj), context.obj)


@app.command("import", epilog=GLOBAL_OPTIONS_NOTE)
def positions_import(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV with columns symbol, shares [, session] and a CASH row."),
    ],
    by: NameOption,
    reason: ReasonOption,
    *,
    accept_history: Annotated[
        bool,
        typer.Option(
            "--accept-history", metavar=NO_VALUE, help="Accept a performance history with missing rows."
        ),
    ] = False,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            metavar=NO_VALUE,
            help="Book the change to an existing portfolio; without this option it is only shown.",
        ),
    ] = False,
    second: Annotated[
        str,
        typer.Option("--second", metavar="NAME", help="The second person, where approval.persons is 2."),
    ] = "",
    new_ledger: Annotated[
        bool,
        typer.Option(
            "--new-ledger",
            metavar=NO_VALUE,
            help="Set aside a ledger that cannot be read, and begin a new one with these positions.",
        ),
    ] = False,
) -> int:
    """Declare the positions held: begins the ledger, or books what differs from it as corrections."""
    from flows.operations.trading.positions import import_positions

    done = import_positions(
        context.obj,
        file,
        by=by,
        reason=reason,
        accept_history=accept_history,
        new_ledger=new_ledger,
        replace=replace,
        second=second,
    )
    return show(done, context.obj)


@app.command("rebuild", epilog=GLOBAL_OPTIONS_NOTE)
def positions_rebuild(context: typer.Context) -> int:
    """Write live/current_positions.csv again from the ledger."""
    from flows.operations.trading.ledger import rebuild_file

    return show(rebuild_file(context.obj), context.obj)


@app.command("deposit", epilog=GLOBAL_OPTIONS_NOTE)
def positions_deposit(
    context: typer.Context,
    amount: AmountArgument,
    by: NameOption,
    reason: ReasonOption,
    day: DayOption = None,
    reference: ReferenceOption = "",
) -> int:
    """Book cash paid into the account: it raises the equity but is not a gain."""
    from flows.operations.trading.ledger import book_flow

    done = book_flow(context.obj, "deposit", amount, by=by, reason=reason, day=day, reference=reference)
    return show(done, context.obj)


@app.command("withdraw", epilog=GLOBAL_OPTIONS_NOTE)
def positions_withdraw(
    context: typer.Context,
    amount: AmountArgument,
    by: NameOption,
    reason: ReasonOption,
    day: DayOption = None,
    reference: ReferenceOption = "",
) -> int:
    """Book cash taken out of the account: it lowers the equity but is not a loss."""
    from flows.operations.trading.ledger import book_flow

    done = book_flow(context.obj, "withdrawal", amount, by=by, reason=reason, day=day, reference=reference)
    return show(done, context.obj)


@app.command("ledger", epilog=GLOBAL_OPTIONS_NOTE)
def positions_ledger(
    context: typer.Context,
    first: FromOption = None,
    last: ToOption = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the entries to this new file.")
    ] = None,
) -> int:
    """Print the entries of the ledger: every change in cash and shares, with its reason."""
    from flows.operations.trading.ledger import show_ledger

    return show(show_ledger(context.obj, first=first, last=last, csv=csv), context.obj)
