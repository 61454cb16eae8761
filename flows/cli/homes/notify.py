"""The command group `notify`."""

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE
from flows.terminal import show

app = typer.Typer(
    no_args_is_help=True, help="Notifications by e-mail, Slack and webhook (docs/notifications.md)."
)


@app.command("test", epilog=GLOBAL_OPTIONS_NOTE)
def notify_test(context: typer.Context) -> int:
    """Send one message on each configured channel, and print the result of each."""
    from flows.operations.homes.notify import send_test

    return show(send_test(context.obj), context.obj)


@app.command("flush", epilog=GLOBAL_OPTIONS_NOTE)
def notify_flush(context: typer.Context) -> int:
    """Try again at once to deliver all messages that are waiting or were abandoned."""
    from flows.operations.homes.notify import flush

    return show(flush(context.obj), context.obj)


@app.command("status", epilog=GLOBAL_OPTIONS_NOTE)
def notify_status(context: typer.Context) -> int:
    """Print the messages that are waiting or were abandoned, and the last error of each."""
    from flows.operations.homes.notify import show_outbox

    return show(show_outbox(context.obj), context.obj)
