"""The catalog, the page, the alert rules and the dashboards name the same metrics."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tasks.reporting.telemetry.catalogue import CATALOGUE, Sample
from tasks.reporting.telemetry.exposition import exposition
from tests.documentation import dashboards, metrics_page

ROOT = Path(__file__).parents[4]
RULES = yaml.safe_load((ROOT / "config/prometheus/alerts.yaml").read_text())["groups"][0]["rules"]
TESTS = yaml.safe_load((ROOT / "config/prometheus/alerts_test.yaml").read_text())["tests"]
BOARDS = sorted((ROOT / "config/grafana").glob("*.json"))
UNITS = ("_seconds", "_usd", "_ratio", "_bytes", "_sessions")


def names_in(query):
    return set(re.findall(r"afterclose_\w+", query))


def panels_of(board):
    return json.loads(board.read_text())["panels"]


@pytest.mark.parametrize("board", BOARDS, ids=lambda path: path.stem)
def test_a_dashboard_shows_metrics_that_exist(board):
    queries = [target["expr"] for panel in panels_of(board) for target in panel["targets"]]

    assert len(queries) >= 10
    assert [query for query in queries if not names_in(query) or names_in(query) - set(CATALOGUE)] == []


@pytest.mark.parametrize("board", BOARDS, ids=lambda path: path.stem)
def test_a_legend_names_the_label_that_its_metric_has(board):
    for panel in panels_of(board):
        for target in panel["targets"]:
            for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                assert {CATALOGUE[name].label for name in names_in(target["expr"])} == {label}


@pytest.mark.parametrize("board", BOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_what_make_docs_writes(board):
    assert board.read_text() == dashboards.text_of(board.stem)


def test_every_metric_is_on_a_dashboard():
    shown = set().union(*(names_in(board.read_text()) for board in BOARDS))

    assert set(CATALOGUE) - shown == set()


def test_no_panel_covers_another():
    for board in BOARDS:
        cells = [
            (x, y)
            for place in (panel["gridPos"] for panel in panels_of(board))
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        assert len(cells) == len(set(cells))
        assert max(x for x, _ in cells) < 24


def test_every_alert_uses_metrics_that_exist_and_points_to_the_runbook():
    for rule in RULES:
        assert names_in(rule["expr"]) <= set(CATALOGUE), rule["alert"]
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        headings = re.findall(r"^## (.+)$", (ROOT / page).read_text(), re.MULTILINE)
        assert anchor in {heading.lower().replace(" ", "-") for heading in headings}, rule["alert"]


def test_every_alert_is_shown_to_fire_and_to_stay_silent():
    shown = {(one["alertname"], bool(one["exp_alerts"])) for test in TESTS for one in test["alert_rule_test"]}

    assert shown == {(rule["alert"], fires) for rule in RULES for fires in (True, False)}


def test_the_page_is_what_make_docs_writes():
    assert metrics_page.PAGE.read_text() == metrics_page.with_tables(metrics_page.PAGE.read_text())


def test_names_have_units_and_no_label_is_a_symbol():
    measured = [name for name in CATALOGUE if re.search(r"(age|cost|equity|free|due|drawdown|return)", name)]

    assert [name for name in measured if not name.endswith(UNITS)] == []
    assert {metric.label for metric in CATALOGUE.values()} == {
        *("", "version", "part", "stage", "side", "limit", "state")
    }


def test_the_text_has_every_metric_with_help_even_without_a_value():
    text = exposition([Sample("afterclose_trades_proposed", 3.0, "buy")]).decode()

    assert 'afterclose_trades_proposed{side="buy"} 3.0\n' in text
    assert [name for name in CATALOGUE if f"# HELP {name} " not in text] == []
