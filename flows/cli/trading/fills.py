"""The command group `fills`, for the broker `manual`."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE, NO_VALUE, NameOption
from flows.terminal import show

app = typer.Typer(
    no_args_is_help=True,
    help="Order tickets and fills of orders that you place yourself (execution.broker: manual).",
)

WhyOption = Annotated[
    str,
    typer.Option(
        "--reason", metavar="TEXT", help="Why the fills deviate from the ticket; required if they do."
    ),
]


@app.command("show", epilog=GLOBAL_OPTIONS_NOTE)
def fills_show(
    context: typer.Context,
    day: Annotated[
        str | None,
        typer.Argument(metavar="D", help="Decision session, YYYY-MM-DD. Default: all open tickets."),
    ] = None,
    *,
    page: Annotated[
        Path | None,
        typer.Option(
            "--page", metavar="FILE", help="Also write the ticket as HTML, to print, to this new file."
        ),
    ] = None,
) -> int:
    """Print the order ticket: what to place, and what has been filled."""
    from flows.operations.trading.fills import show_tickets

    return show(show_tickets(context.obj, day, page=page), context.obj)


@app.command("add", epilog=GLOBAL_OPTIONS_NOTE)
def fills_add(  # noqa: PLR0913 - one parameter per option
    context: typer.Context,
    day: Annotated[str, typer.Argument(metavar="D", help="Decision session of the ticket, YYYY-MM-DD.")],
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="Symbol, or id, of the ticket.")],
    shares: Annotated[
        int, typer.Argument(metavar="SHARES", help="Whole shares filled; 0: nothing more was filled.")
    ],
    price: Annotated[str, typer.Argument(metavar="PRICE", help="USD per share.")],
    by: NameOption,
    fee: Annotated[str, typer.Option("--fee", metavar="USD", help="Commission and fees.")] = "0",
    reason: WhyOption = "",
    *,
    final: Annotated[
        bool, typer.Option("--final", metavar=NO_VALUE, help="The rest of the ticket will not be filled.")
    ] = False,
) -> int:
    """Enter one fill of an open ticket."""
    from flows.operations.trading.fills import add_fill

    done = add_fill(context.obj, day, symbol, shares, price, fee=fee, is_final=final, by=by, reason=reason)
    return show(done, context.obj)


@app.command("import", epilog=GLOBAL_OPTIONS_NOTE)
def fills_import(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="CSV export from your broker; execution.export names its columns."
        ),
    ],
    by: NameOption,
    day: Annotated[
        str | None,
        typer.Option("--date", metavar="D", help="Decision session. Default: that of the open tickets."),
    ] = None,
    reason: WhyOption = "",
    *,
    complete: Annotated[
        bool,
        typer.Option(
            "--complete",
            metavar=NO_VALUE,
            help="The file is complete: the rest of each ticket will not be filled.",
        ),
    ] = False,
) -> int:
    """Enter the fills in a file: all of its lines, or none."""
    from flows.operations.trading.fills import import_fills

    done = import_fills(context.obj, file, day, is_complete=complete, by=by, reason=reason)
    return show(done, context.obj)
