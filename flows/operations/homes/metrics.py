"""Show the metrics of a home, or answer Prometheus' scrapes of them."""

import time

from flows.terminal import Options, Result, show
from tasks.core.clock import now
from tasks.core.errors import ConfigError
from tasks.core.homes.opening import find_home, settings_of
from tasks.core.masking import mask_logs
from tasks.reporting.telemetry.exposition import exposition, serve
from tasks.reporting.telemetry.parts import Place, read_samples

LOOPBACK = "127.0.0.1"
A_DAY_S = 86_400.0


def show_metrics(options: Options) -> Result:
    """Return the metrics as they are now, in Prometheus' text format."""
    home = find_home(options.home)
    samples = read_samples(Place(home, settings_of(home, options.profile).settings, now()))
    document = {
        "home": str(home.root),
        "samples": [{"name": one.name, "label": one.label, "value": one.value} for one in samples],
    }
    return Result(document, exposition(samples).decode().rstrip("\n"))


def serve_metrics(options: Options, *, port: int) -> int:
    """Answer scrapes on this machine until interrupted; every scrape reads the home again."""
    mask_logs()
    home = find_home(options.home)
    settings = settings_of(home, options.profile).settings
    try:
        server = serve(lambda: read_samples(Place(home, settings, now())), address=LOOPBACK, port=port)
    except OSError as error:
        raise ConfigError(
            f"Port {port} of {LOOPBACK} cannot be used: {error.strerror}.",
            remedy="Choose another with --port.",
            port=port,
        ) from error
    address = f"http://{LOOPBACK}:{server.server_port}/metrics"
    show(
        Result({"home": str(home.root), "address": address}, f"Metrics of {home.root} at {address}"), options
    )
    while True:
        time.sleep(A_DAY_S)
