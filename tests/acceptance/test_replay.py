"""A published day is recomputed from its manifest, whatever happened to the home since."""

import json
from datetime import timedelta

import pytest
import yaml

from tasks.core.homes.home import Home
from tasks.core.versions.source_code import published_by
from tests.approval_days import EVENING, clock_at, make_home
from tests.homes import (
    LAST_SESSION,
    SESSION_BEFORE,
    SMALL_MARKET,
    afterclose,
    fill_as_proposed,
    run_day,
    tree_bytes,
)
from tests.unit.reporting.example_day import make_execution


def replayed(home, day=SESSION_BEFORE):
    ended = afterclose("replay", str(day), "--json", home=home)
    return ended.returncode, json.loads(ended.stdout)


def test_a_day_is_replayed_byte_for_byte_after_the_home_has_moved_on(begun_home):
    fill_as_proposed(begun_home, SESSION_BEFORE)
    execution = Home(begun_home).day_folder(SESSION_BEFORE) / "execution.json"
    execution.write_text(json.dumps(make_execution(SESSION_BEFORE, LAST_SESSION)))
    run_day(begun_home, LAST_SESSION)
    execution.write_text(json.dumps(make_execution(SESSION_BEFORE, LAST_SESSION, bridge=[])))  # a late fill
    settings = SMALL_MARKET | {"portfolio": {"max_positions": 7}}
    (begun_home / "config.yaml").write_text(yaml.safe_dump(settings))
    assert afterclose("data", "vacuum", home=begun_home).returncode == 0
    assert (
        afterclose("kill-switch", "trip", "--by", "Ann", "--reason", "a test", home=begun_home).returncode
        == 0
    )
    before = tree_bytes(begun_home / "live")

    outcomes = [replayed(begun_home, day) for day in (SESSION_BEFORE, LAST_SESSION)]

    assert [(code, said["equal"], said["files"]) for code, said in outcomes] == [(0, True, 7)] * 2, outcomes
    assert tree_bytes(begun_home / "live") == before


def test_a_day_of_another_version_of_the_code_differs_only_where_its_results_do(ready_home):
    with published_by("f" * 64):
        run_day(ready_home, SESSION_BEFORE)
        fill_as_proposed(ready_home, SESSION_BEFORE)
        run_day(ready_home, LAST_SESSION)

    outcomes = [replayed(ready_home, day) for day in (SESSION_BEFORE, LAST_SESSION)]

    assert [(code, said["equal"], list(said["versions"])) for code, said in outcomes] == [
        (0, True, ["code"])
    ] * 2


def test_a_replay_names_the_first_line_that_differs(begun_home, monkeypatch):
    from tasks.trades import explanation

    monkeypatch.setattr(explanation, "algorithm_for", lambda shares: "ELSEWHERE")

    code, said = replayed(begun_home)

    assert (code, said["equal"]) == (3, False)
    first = next(one for one in said["differences"] if one["file"] == "trades.csv")
    assert first["line"] == 2
    assert "ELSEWHERE" in first["replayed"]
    assert "ELSEWHERE" not in first["published"]


@pytest.mark.parametrize("lost", ["a block", "the index", "the data"])
def test_a_replay_names_what_is_missing(begun_home, lost):
    home = Home(begun_home)
    if lost == "the data":
        (home.lake / "head.json").unlink()
    else:
        manifest = json.loads((home.day_folder(SESSION_BEFORE) / "manifest.json").read_bytes())
        kept = manifest["inputs"]["kept"]
        others = [path for path in home.decisions.iterdir() if path.name != kept]
        (home.decisions / kept if lost == "the index" else others[0]).unlink()

    code, said = replayed(begun_home)

    assert code == (5 if lost == "the data" else 1), said
    assert "backup" in said["remedy"]


def test_a_day_of_an_earlier_release_has_no_kept_inputs(begun_home):
    path = Home(begun_home).day_folder(SESSION_BEFORE) / "manifest.json"
    manifest = json.loads(path.read_bytes())
    del manifest["inputs"]["kept"]
    path.write_text(json.dumps(manifest))

    code, said = replayed(begun_home)

    assert code == 1
    assert "earlier release" in said["what"]


@pytest.mark.parametrize("command", [(), ("--restated",)])
@pytest.mark.parametrize(
    ("day", "code", "said"),
    [
        ("2024-06-15", 2, "The exchange was closed on 2024-06-15"),
        ("2024-06-13", 3, "the first published session of this home is 2024-06-14"),
    ],
)
def test_a_session_that_this_home_cannot_have_published_is_not_run_as_a_remedy(
    tmp_path, command, day, code, said
):
    home = make_home(tmp_path / "home").home.root

    with clock_at(EVENING + timedelta(days=2)):
        ended = afterclose("replay", day, *command, home=home)

    assert ended.returncode == code
    assert said in " ".join(ended.stderr.split())
    assert "afterclose daily" not in ended.stderr
