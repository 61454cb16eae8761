"""The command `review`."""

from typing import Annotated

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE
from flows.terminal import show

app = typer.Typer()


@app.command("review", epilog=GLOBAL_OPTIONS_NOTE)
def review_day(
    context: typer.Context,
    day: Annotated[str, typer.Argument(metavar="D", help="The session to show first, YYYY-MM-DD.")],
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="P", help="Port of the page; 0: any free one.")
    ] = 8765,
    bind: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="IP address to listen on. One that other machines can reach needs AFTERCLOSE_REVIEW_PASSWORD.",
        ),
    ] = "127.0.0.1",
    origin: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Address of the page behind a reverse proxy with TLS, https://NAME; needs the password too.",
        ),
    ] = None,
) -> int:
    """Serve a page to read a published day, and to approve or reject it. Prints its address; stop it with Ctrl-C."""
    from flows.operations.decisions.serving import open_review

    page = open_review(context.obj, day, port=port, bind=bind, origin=origin)
    code = show(page.started, context.obj)
    page.serve()
    return code
