import json
from dataclasses import replace
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version

from tasks.core.versions import libraries
from tasks.reporting.day.manifest import manifest_json, provenance
from tests.unit.reporting.example_day import make_inputs


def manifest(inputs, files, positions=None):
    source = provenance(inputs, positions_sha256=positions)
    return json.loads(manifest_json(inputs, source, files, {"render_day": 0.5}))


def test_every_file_is_named_with_its_hash():
    record = manifest(make_inputs(), {"a.csv": b"1", "b.json": b"2"})

    assert record["sha256"] == {"a.csv": sha256(b"1").hexdigest(), "b.json": sha256(b"2").hexdigest()}


def test_every_input_that_can_vary_is_named():
    record = manifest(make_inputs(), {}, positions="d" * 64)

    assert record["inputs"]["snapshot"] == make_inputs().records.market.snapshot.id
    assert record["inputs"]["champion"] == make_inputs().records.scores.champion.model_sha256
    assert record["inputs"]["positions"] == "d" * 64
    assert all(
        record["inputs"][name] for name in ("config", "features", "performance_history", "previous_day")
    )
    assert record["versions"].keys() >= {"afterclose", "code", "python", "numpy", "pandas"}
    assert record["seeds"] == {"settings": 20240101, "simulated_market": 7}
    assert record["session"] == "2024-06-14"
    assert record["timings"] == {"render_day": 0.5}


# issue 10, line 15
def test_every_library_that_a_day_computes_with_is_named():
    named = manifest(make_inputs(), {})["versions"]

    assert named.keys() >= {"cvxpy", "clarabel", "numba", "exchange-calendars", "pyportfolioopt", "scipy"}
    assert all(named[name] for name in ("cvxpy", "clarabel", "numba", "exchange-calendars"))


# issue 10, line 15
def test_plain_xgboost_in_the_place_of_xgboost_cpu_is_named(monkeypatch):
    def installed(name):
        if name == "xgboost-cpu":
            raise PackageNotFoundError(name)
        return "3.2.0" if name == "xgboost" else version(name)

    monkeypatch.setattr(libraries, "version", installed)

    named = manifest(make_inputs(), {})["versions"]

    assert named["xgboost"] == "3.2.0"
    assert "xgboost-cpu" not in named


def test_another_history_is_another_input():
    inputs = make_inputs()
    shorter = replace(inputs, history=inputs.history.iloc[:-1])

    assert (
        manifest(inputs, {})["inputs"]["performance_history"]
        != (manifest(shorter, {})["inputs"]["performance_history"])
    )
