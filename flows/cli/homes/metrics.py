"""The command group `metrics`."""

from typing import Annotated

import typer

from flows.cli.options import GLOBAL_OPTIONS_NOTE
from flows.terminal import show

app = typer.Typer(no_args_is_help=True, help="Metrics for Prometheus (docs/metrics-and-alerts.md).")


@app.command("show", epilog=GLOBAL_OPTIONS_NOTE)
def metrics_show(context: typer.Context) -> int:
    """Print the metrics as they are now, in Prometheus' text format."""
    from flows.operations.homes.metrics import show_metrics

    return show(show_metrics(context.obj), context.obj)


@app.command("serve", epilog=GLOBAL_OPTIONS_NOTE)
def metrics_serve(
    context: typer.Context,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port on this machine; 0: any free one.")
    ] = 9469,
) -> int:
    """Serve the metrics to Prometheus on 127.0.0.1 until interrupted."""
    from flows.operations.homes.metrics import serve_metrics

    return serve_metrics(context.obj, port=port)
