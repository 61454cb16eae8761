"""Write the metrics in Prometheus' text format: to a file that node_exporter reads, or in answer to a scrape."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tasks.core.atomic import write_bytes
from tasks.core.homes.home import Home
from tasks.reporting.telemetry.catalogue import CATALOGUE, Sample


class SampleCollector(Collector):
    """Reads the samples again for each scrape."""

    def __init__(self, read: Callable[[], Iterable[Sample]]) -> None:
        self._read = read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        samples = list(self._read())
        for metric in CATALOGUE.values():
            labels = [metric.label] if metric.label else []
            family = GaugeMetricFamily(metric.name, metric.meaning, labels=labels)
            for sample in samples:
                if sample.name == metric.name:
                    family.add_metric([sample.label] if metric.label else [], sample.value)
            yield family

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Say which metrics there are, so that nothing is read when the collector is registered."""
        return (GaugeMetricFamily(metric.name, metric.meaning) for metric in CATALOGUE.values())


def registry_of(read: Callable[[], Iterable[Sample]]) -> CollectorRegistry:
    """Return a registry with these metrics and nothing about this process."""
    registry = CollectorRegistry()
    registry.register(SampleCollector(read))
    return registry


def exposition(samples: Iterable[Sample]) -> bytes:
    """Return the samples as text."""
    found = list(samples)
    text: bytes = generate_latest(registry_of(lambda: found))
    return text


def write_textfile(home: Home, samples: Iterable[Sample]) -> None:
    """Replace data/metrics/afterclose.prom. Raises StorageError if it cannot be written."""
    write_bytes(home.metrics_file, exposition(samples))


def serve(read: Callable[[], Iterable[Sample]], *, address: str, port: int) -> Any:
    """Answer scrapes in a thread; return the server, whose `server_port` is the port in use."""
    from prometheus_client import start_http_server

    server, _ = start_http_server(port, addr=address, registry=registry_of(read))
    return server
