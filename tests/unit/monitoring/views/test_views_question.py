"""Which statements may run: reads of the views, and nothing else."""

import pytest

from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.monitoring import store
from tasks.monitoring.store import open_views
from tasks.monitoring.views.catalog import VIEWS
from tests.builders import make_settings

WRITES_OR_READS_ELSEWHERE = [
    "COPY trades TO '{outside}/x.csv'",
    "COPY (SELECT 1) TO '{outside}/x.parquet' (FORMAT parquet)",
    "EXPLAIN ANALYZE COPY trades TO '{outside}/x.csv'",
    "EXPORT DATABASE '{outside}/x'",
    "IMPORT DATABASE '{outside}/x'",
    "ATTACH '{outside}/x.db' AS other",
    "ATTACH ':memory:' AS other",
    "INSTALL httpfs",
    "LOAD sqlite",
    "CREATE TABLE mine AS SELECT 1",
    "CREATE TEMP VIEW mine AS SELECT 1",
    "CREATE MACRO mine() AS 1",
    "INSERT INTO trades SELECT * FROM trades",
    "WITH gone AS (DELETE FROM trades RETURNING *) SELECT * FROM gone",
    "WITH new AS (INSERT INTO trials (number) VALUES (1) RETURNING *) SELECT * FROM new",
    "UPDATE trades SET shares = 0",
    "DROP VIEW trades",
    "SET lock_configuration = false",
    "SET VARIABLE mine = 1",
    "PRAGMA enable_external_access = true",
    "RESET memory_limit",
    "CALL pragma_version()",
    "CHECKPOINT",
    "SELECT * FROM checkpoint()",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM '{outside}/secret.csv'",
    "SELECT (SELECT count(*) FROM read_blob('/etc/passwd'))",
    "WITH passwords AS (FROM read_csv('/etc/passwd')) SELECT * FROM passwords",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM parquet_metadata('{outside}/x.parquet')",
    "SELECT * FROM query('COPY trades TO ''{outside}/x.csv''')",
    "SELECT * FROM query_table('trades')",
    "SELECT * FROM arrow_scan(1::POINTER, 1::POINTER, 1::POINTER)",
    "SELECT * FROM json_execute_serialized_sql('{{}}')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT getenv('HOME')",
    "SELECT current_setting('temp_directory')",
    "SELECT write_log('mine')",
    "SELECT sleep_ms(100000)",
    "SELECT 1; COPY trades TO '{outside}/x.csv'",
    "PREPARE mine AS SELECT 1",
    "USE other",
    "SHOW DATABASES",
    "FROM system.information_schema.tables",
    "FROM pg_catalog.pg_tables",
    "SELECT * FROM main.trades",
]


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    (folder / "secret.csv").write_text("secret\n1\n")
    with open_views(Home(folder / "home"), make_settings()) as opened:
        yield opened, folder


@pytest.mark.parametrize("statement", WRITES_OR_READS_ELSEWHERE)
def test_a_statement_that_writes_or_reads_elsewhere_is_refused(views, statement):
    opened, folder = views
    before = sorted(folder.rglob("*"))

    with pytest.raises(ConfigError):
        opened.ask(statement.format(outside=folder))

    assert sorted(folder.rglob("*")) == before


def test_duckdb_itself_has_no_access_to_files_extensions_or_its_settings(views):
    """The second lock: what the check of the statement let through would still fail."""
    import duckdb

    opened, folder = views
    for statement in (
        f"COPY (SELECT 1) TO '{folder}/x.csv'",
        f"ATTACH '{folder}/x.db'",
        "SELECT * FROM read_text('/etc/passwd')",
        f"FROM '{folder}/secret.csv'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
    ):
        with pytest.raises(duckdb.Error):
            opened.connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        ("SELECT count(*) AS n FROM trades", [{"n": 0}]),
        ("FROM trades SELECT count(*) AS n;", [{"n": 0}]),
        ("WITH few AS (SELECT range AS n FROM range(3)) SELECT sum(n) AS n FROM few", [{"n": 3}]),
        (
            "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 4) SELECT max(n) n FROM t",
            [{"n": 4}],
        ),
        ("(SELECT 1 AS n) UNION ALL (SELECT 2)", [{"n": 1}, {"n": 2}]),
        ("SELECT count(*) AS n FROM information_schema.columns WHERE table_name = 'regimes'", [{"n": 8}]),
        ("SELECT 'copy to ''x''; drop table y' AS n -- attach", [{"n": "copy to 'x'; drop table y"}]),
        ("SELECT 1 AS n, 2 AS n", [{"n": 1, "n_1": 2}]),
    ],
)
def test_reads_are_answered(views, statement, answer):
    assert views[0].ask(statement).to_pylist() == answer


def test_every_view_is_listed_described_and_explained(views):
    opened, _ = views

    assert set(opened.ask("SHOW TABLES").column("name").to_pylist()) == set(VIEWS)
    for view in VIEWS.values():
        assert tuple(opened.ask(f"DESCRIBE {view.name}").column("column_name").to_pylist()) == view.names
    assert opened.ask("EXPLAIN SELECT * FROM scores").num_rows


def test_errors_say_what_is_meant(views):
    opened, _ = views

    with pytest.raises(ConfigError, match="did you mean trades"):
        opened.ask("SELECT * FROM tradez")
    with pytest.raises(ConfigError, match='Candidate bindings: "symbol"'):
        opened.ask("SELECT symbool FROM trades")
    with pytest.raises(ConfigError, match=r"cannot be parsed: syntax error at or near .*character 1"):
        opened.ask("SELEC 1")


def test_a_question_that_takes_too_long_is_stopped(views):
    with pytest.raises(ConfigError, match="stopped after"):
        views[0].ask("SELECT count(*) FROM range(1000000000000) a, range(1000) b", longest_s=0.1)

    assert views[0].ask("SELECT 1 AS n").to_pylist() == [{"n": 1}]


def test_a_question_that_needs_too_much_memory_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setitem(store.CONFIG, "memory_limit", "20MB")

    with (
        open_views(Home(tmp_path), make_settings()) as opened,
        pytest.raises(ConfigError, match="Out of Memory"),
    ):
        opened.ask("SELECT count(*) FROM (SELECT DISTINCT range FROM range(5000000))")
