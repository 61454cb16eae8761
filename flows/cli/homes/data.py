"""The command group `data`."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE, NO_VALUE
from flows.terminal import show

app = typer.Typer(no_args_is_help=True, help="The lake of market data.")


@app.command("status", epilog=GLOBAL_OPTIONS_NOTE)
def data_status(context: typer.Context) -> int:
    """Print the contents of the lake: sessions, universe, quarantine, gaps, findings, tables, size."""
    from flows.operations.homes.lake import show_lake

    return show(show_lake(context.obj), context.obj)


@app.command("verify", epilog=GLOBAL_OPTIONS_NOTE)
def data_verify(context: typer.Context) -> int:
    """Verify the files of the lake and list the findings of the quality gates."""
    from flows.operations.homes.lake import verify

    return show(verify(context.obj), context.obj)


@app.command("import", epilog=GLOBAL_OPTIONS_NOTE)
def data_import(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Directory of CSV or Parquet files.")],
) -> int:
    """Check a directory of files and add it to the lake (docs/own-data.md)."""
    from flows.operations.homes.lake import import_files

    return show(import_files(context.obj, folder), context.obj)


@app.command("backup", epilog=GLOBAL_OPTIONS_NOTE)
def data_backup(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Target directory. Default: backups/ in the home.")
    ] = None,
) -> int:
    """Write the home (lake, days, champion, settings) to one archive with a SHA-256 of every file."""
    from flows.operations.homes.upkeep import back_up

    return show(back_up(context.obj, folder), context.obj)


@app.command("restore", epilog=GLOBAL_OPTIONS_NOTE)
def data_restore(
    context: typer.Context,
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="An archive written by `data backup`.")],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", metavar=NO_VALUE, help="Discard the current contents of the home.")
    ] = False,
    lake: Annotated[
        str | None,
        typer.Option(metavar="PLACE", help="Location of the restored lake: home, or s3://BUCKET/PREFIX."),
    ] = None,
) -> int:
    """Verify an archive completely, then restore it into an empty home."""
    from flows.operations.homes.upkeep import restore

    return show(restore(context.obj, archive, replace=replace, lake=lake), context.obj)


@app.command("vacuum", epilog=GLOBAL_OPTIONS_NOTE)
def data_vacuum(context: typer.Context) -> int:
    """Delete files that neither the lake nor a published day needs."""
    from flows.operations.homes.upkeep import vacuum

    return show(vacuum(context.obj), context.obj)
