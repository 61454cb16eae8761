"""The command `sql`."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE, NO_VALUE

app = typer.Typer()


@app.command("sql", epilog=GLOBAL_OPTIONS_NOTE)
def sql(
    context: typer.Context,
    question: Annotated[
        str | None, typer.Argument(metavar="SELECT", help='The query: "SELECT …", in quotes.')
    ] = None,
    *,
    csv: Annotated[bool, typer.Option("--csv", metavar=NO_VALUE, help="Print the result as CSV.")] = False,
    parquet: Annotated[
        Path | None, typer.Option("--parquet", metavar="FILE", help="Write the result to this new file.")
    ] = None,
    shell: Annotated[
        bool,
        typer.Option("--shell", metavar=NO_VALUE, help="Read queries from the terminal, each ending with ;"),
    ] = False,
) -> int:
    """Query the lake, the days and the ledgers in DuckDB's SQL. Read-only. `SHOW TABLES` lists the views."""
    from flows.operations.research.sql import answer_question, run_shell

    if shell == (question is not None) or (shell and (csv or parquet)) or (csv and parquet):
        raise typer.BadParameter(
            "Give either a query, optionally with --csv or --parquet FILE, or --shell alone."
        )
    if question is None:
        return run_shell(context.obj)
    return answer_question(context.obj, question, csv=csv, parquet=parquet)
