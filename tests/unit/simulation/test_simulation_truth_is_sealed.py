import ast
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import Path

from tasks.data.providers.base import Delivery
from tasks.data.schema.columns import COLUMNS
from tasks.simulation.fundamentals import ITEMS
from tasks.simulation.parameters import Parameters
from tasks.simulation.provider import SimulatedProvider

ROOT = Path(__file__).parents[3]
SEALED = "truth"


def imported_names(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reads_the_truth(source):
    return SEALED in source and any(
        "simulation" in name and SEALED in name.split(".") for name in imported_names(source)
    )


def test_no_production_module_imports_the_truth():
    modules = [path for folder in ("tasks", "flows", "config") for path in (ROOT / folder).rglob("*.py")]

    assert len(modules) > 20
    assert [path for path in modules if reads_the_truth(path.read_text())] == []


def test_the_search_for_imports_finds_a_planted_one():
    assert reads_the_truth("from tasks.simulation import truth")
    assert reads_the_truth("from tasks.simulation.truth import simulate")
    assert reads_the_truth("import tasks.simulation.truth as t")


def test_a_provider_holds_nothing_but_its_parameters():
    provider = SimulatedProvider(Parameters(1, 20, date(2020, 1, 2), 0.03))
    provider.fetch(after=None, through=date(2020, 1, 10))

    assert set(vars(provider)) == {"parameters", "name", "capabilities"}


def test_a_delivery_has_no_other_columns_than_public_ones():
    provider = SimulatedProvider(Parameters(1, 20, date(2020, 1, 2), 0.03))

    delivery = provider.fetch(after=None, through=date(2020, 3, 10))

    assert is_dataclass(delivery)
    assert {field.name for field in fields(Delivery)} == {*COLUMNS, "failovers", "bars_from"}
    for table, columns in COLUMNS.items():
        public = set(columns) | (set(ITEMS) if table == "fundamentals" else set())
        assert set(delivery.table(table).columns) == public
