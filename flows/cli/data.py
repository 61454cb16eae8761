"""The commands of the group `data`."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import FOR_ALL
from flows.terminal import show

app = typer.Typer(no_args_is_help=True, help="The lake of market data.")


@app.command("status", epilog=FOR_ALL)
def data_status(context: typer.Context) -> int:
    """Print what the lake holds: span, universe, quarantine, gaps, findings, tables, size."""
    from flows.operations.lake import show_lake

    return show(show_lake(context.obj), context.obj)


@app.command("verify", epilog=FOR_ALL)
def data_verify(context: typer.Context) -> int:
    """Check the lake's files and list what the quality gates found."""
    from flows.operations.lake import verify

    return show(verify(context.obj), context.obj)


@app.command("import", epilog=FOR_ALL)
def data_import(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of CSV or Parquet files.")],
) -> int:
    """Bring a folder of files into the lake (docs/configuration.md, data.files)."""
    from flows.operations.lake import import_files

    return show(import_files(context.obj, folder), context.obj)


@app.command("backup", epilog=FOR_ALL)
def data_backup(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Where to put it. Default: backups/ of the home.")
    ] = None,
) -> int:
    """Write the whole book, lake, days, champion, settings, into one archive with a digest of every file."""
    from flows.operations.upkeep import back_up

    return show(back_up(context.obj, folder), context.obj)


@app.command("restore", epilog=FOR_ALL)
def data_restore(
    context: typer.Context,
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="An archive that `data backup` wrote.")],
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Give up what the home holds now.")] = False,
    lake: Annotated[
        str | None,
        typer.Option(metavar="PLACE", help="Where the lake is to lie: home, or s3://BUCKET/PREFIX."),
    ] = None,
) -> int:
    """Check an archive to the last byte, then bring the book back from it into an empty home."""
    from flows.operations.upkeep import restore

    return show(restore(context.obj, archive, replace=replace, lake=lake), context.obj)


@app.command("vacuum", epilog=FOR_ALL)
def data_vacuum(context: typer.Context) -> int:
    """Free the space of files that neither the lake nor a published day needs any more."""
    from flows.operations.upkeep import vacuum

    return show(vacuum(context.obj), context.obj)
