"""The views of published days: what they read, what they keep, and what they refuse."""

import json
from datetime import date

import numpy as np
import pytest

from tasks.core.errors import SafetyError
from tasks.monitoring.store import open_views
from tests.builders import FRIDAY, make_settings
from tests.monitored_days import execute_days, files_of_day, make_days, symbols_named, write_day, write_files

THURSDAY = date(2024, 6, 13)


def ask(home, question):
    with open_views(home, make_settings()) as views:
        return views.ask(question).to_pylist()


@pytest.fixture
def home(tmp_path):
    return make_days(tmp_path / "home", sessions=3, symbols=12)


def test_scores_weights_trades_and_checks_are_those_of_the_files(home):
    signals = json.loads((home.day_folder(FRIDAY) / "signals.json").read_bytes())
    best = min(signals["scores"], key=lambda name: signals["scores"][name]["rank"])

    assert ask(home, "SELECT symbol, score FROM scores WHERE session = '2024-06-14' AND rank = 1") == [
        {"symbol": best, "score": signals["scores"][best]["score"]}
    ]
    assert ask(home, "SELECT session, round(sum(weight), 9) AS total FROM weights GROUP BY ALL ORDER BY 1")[
        -1
    ] == {
        "session": FRIDAY,
        "total": 1.0,
    }
    assert ask(home, "SELECT line, side, shares FROM trades WHERE session = '2024-06-14'") == [
        {"line": 1, "side": "SELL", "shares": 10.0},
        {"line": 2, "side": "BUY", "shares": 20.0},
    ]
    assert ask(home, "SELECT count(*) AS n FROM checks") == [{"n": 90}]
    assert ask(home, "SELECT DISTINCT regime, trend FROM regimes") == [{"regime": "BULL", "trend": 0.1}]


def test_the_figures_of_monitoring_are_views(home):
    assert ask(home, "SELECT DISTINCT rank_ic, expected, q1, q5 FROM ic") == [
        {"rank_ic": 0.05, "expected": 0.05, "q1": -0.02, "q5": 0.02}
    ]
    assert ask(home, "SELECT DISTINCT name, psi, present FROM drift") == [
        {"name": "momentum_1m", "psi": 0.3, "present": 1.0}
    ]
    assert ask(home, "SELECT name, retrain FROM alerts LIMIT 1") == [{"name": "skill_63", "retrain": "yes"}]


def test_a_day_is_read_once_and_read_again_when_it_is_published_again(home):
    ask(home, "SELECT * FROM scores")
    stored = home.views / "2024" / "scores.parquet"
    first = stored.stat().st_mtime_ns
    ask(home, "SELECT * FROM scores")
    assert stored.stat().st_mtime_ns == first

    write_day(home, FRIDAY, symbols_named(12), np.arange(12.0))

    assert ask(home, "SELECT symbol FROM scores WHERE session = '2024-06-14' AND rank = 1") == [
        {"symbol": "S11"}
    ]
    assert ask(home, "SELECT count(*) AS n FROM scores") == [{"n": 36}]


def test_a_day_that_is_gone_leaves_the_views(home):
    ask(home, "SELECT * FROM scores")
    home.day_folder(FRIDAY).rename(home.root / "elsewhere")

    assert ask(home, "SELECT count(DISTINCT session) AS n FROM scores") == [{"n": 2}]


@pytest.mark.parametrize("damage", ["trades.csv", "signals.json", "manifest.json"])
def test_a_day_whose_files_do_not_agree_is_named_and_not_in_the_answer(home, damage):
    path = home.day_folder(THURSDAY) / damage
    path.write_bytes(path.read_bytes() + b" " if damage != "manifest.json" else b"{")

    assert ask(home, "SELECT count(DISTINCT session) AS n FROM scores") == [{"n": 2}]
    (row,) = ask(home, "SELECT session, problem FROM days WHERE problem <> ''")
    assert row["session"] == THURSDAY
    assert damage in row["problem"]


def test_a_day_that_was_repaired_is_read_again(home):
    path = home.day_folder(THURSDAY) / "trades.csv"
    content = path.read_bytes()
    path.write_bytes(b"")
    ask(home, "SELECT * FROM days")

    path.write_bytes(content)

    assert ask(home, "SELECT count(*) AS n FROM days WHERE problem = ''") == [{"n": 3}]


@pytest.mark.parametrize("damage", [b"", b"PAR1 not one"])
def test_stored_columns_that_were_changed_are_rebuilt(home, damage):
    ask(home, "SELECT * FROM scores")
    (home.views / "2024" / "scores.parquet").write_bytes(damage)

    assert ask(home, "SELECT count(*) AS n FROM scores") == [{"n": 36}]


def test_stored_columns_of_another_release_are_rebuilt(home):
    ask(home, "SELECT * FROM scores")
    index = home.views / "2024" / "index.json"
    index.write_text(json.dumps({**json.loads(index.read_bytes()), "views": "0" * 64}))
    (home.views / "2024" / "scores.parquet").unlink()

    assert ask(home, "SELECT count(*) AS n FROM scores") == [{"n": 36}]


def test_a_home_that_cannot_be_written_is_answered_from_memory(home):
    home.views.parent.mkdir(exist_ok=True)
    home.views.write_text("a file where the directory would be")

    assert ask(home, "SELECT count(*) AS n FROM scores") == [{"n": 36}]


def test_the_ledger_the_journal_and_the_audit_log_are_views(home, tmp_path):
    execute_days(home, [THURSDAY, FRIDAY], symbols_named(12))

    assert ask(home, "SELECT kind, count(*) AS n FROM entries GROUP BY 1 ORDER BY 1") == [
        {"kind": "fill", "n": 4},
        {"kind": "opening", "n": 1},
    ]
    assert ask(home, "SELECT session, decided, side, shares, price, fee_usd FROM fills LIMIT 1") == [
        {
            "session": FRIDAY,
            "decided": THURSDAY,
            "side": "SELL",
            "shares": 10.0,
            "price": 100.0,
            "fee_usd": 1.0,
        }
    ]
    assert ask(home, "SELECT sum(filled_shares) AS n, min(fill_session) AS first FROM orders") == [
        {"n": 60.0, "first": FRIDAY}
    ]
    assert ask(home, "SELECT session, decision, person FROM decisions ORDER BY 1 LIMIT 1") == [
        {"session": THURSDAY, "decision": "approved", "person": "Ann Lee"}
    ]
    assert ask(home, "SELECT broker, stage FROM executions LIMIT 1") == [
        {"broker": "paper", "stage": "finished"}
    ]


def test_equity_is_the_performance_history_and_missing_rows_of_it_are_an_error(home):
    assert ask(home, "SELECT count(*) AS n, min(exposure) AS exposure FROM equity") == [
        {"n": 3, "exposure": 0.9}
    ]
    home.performance_file.unlink()

    with pytest.raises(SafetyError, match="missing, though days were published"):
        ask(home, "SELECT * FROM equity")


def test_a_cell_that_was_quoted_for_spreadsheets_is_read_as_it_was(home):
    files = files_of_day(FRIDAY, symbols_named(12), np.arange(12.0))
    quoted = {**files, "trades.csv": files["trades.csv"].replace(b"score fell", b"'=score fell")}

    write_files(home, FRIDAY, quoted)

    assert ask(home, "SELECT reason FROM trades WHERE session = '2024-06-14' AND line = 1") == [
        {"reason": "=score fell"}
    ]
