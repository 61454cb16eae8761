"""Which statements may run: reads of the views, and nothing else."""

import json
from contextlib import suppress
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.monitoring import store
from tasks.monitoring.store import open_views
from tasks.monitoring.views.catalog import VIEWS
from tasks.monitoring.views.question import question_of
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
    "SHOW TABLES FROM system",
    "SHOW duckdb_columns",
    "DESCRIBE duckdb_columns",
]
# a CTE with the name of a table of DuckDB's catalog, and the catalog's table read where the CTE is not in scope
HIDDEN_BY_A_CTE = [
    "SELECT * FROM (WITH sqlite_master AS (SELECT 1) SELECT * FROM sqlite_master) a, sqlite_master",
    "SELECT (WITH duckdb_columns AS (SELECT 1 AS i) SELECT i FROM duckdb_columns), * FROM duckdb_columns",
    "WITH sqlite_master AS (SELECT * FROM sqlite_master) SELECT * FROM sqlite_master",
    "WITH RECURSIVE t(n) AS (SELECT name FROM t UNION SELECT n FROM t) SELECT * FROM t",
    "WITH RECURSIVE duckdb_logs AS (FROM duckdb_logs UNION ALL FROM duckdb_logs) FROM duckdb_logs",
    "WITH a AS (FROM duckdb_tables), duckdb_tables AS (SELECT 1) SELECT * FROM a",
    "WITH a AS (WITH duckdb_views AS (SELECT 1) FROM duckdb_views) SELECT * FROM a, duckdb_views",
    "(WITH duckdb_types AS (SELECT 1) FROM duckdb_types) UNION ALL BY NAME FROM duckdb_types",
    "SELECT 1 WHERE EXISTS (WITH sqlite_schema AS (SELECT 1) FROM sqlite_schema) AND EXISTS (FROM sqlite_schema)",
    "WITH sqlite_schema AS (SELECT 1) SELECT * FROM main.sqlite_schema",
]


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    (folder / "secret.csv").write_text("secret\n1\n")
    with open_views(Home(folder / "home"), make_settings()) as opened:
        yield opened, folder


@pytest.mark.parametrize("statement", [*WRITES_OR_READS_ELSEWHERE, *HIDDEN_BY_A_CTE])
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
        (
            "WITH a AS (SELECT 1 AS n), b AS (FROM a) FROM (FROM b), (SELECT (SELECT n FROM a) AS m)",
            [{"n": 1, "m": 1}],
        ),
        ("WITH sqlite_master AS (SELECT 1 AS n) SELECT n FROM sqlite_master", [{"n": 1}]),
        ("FROM (VALUES (1), (2)) v(n) PIVOT (count(*) FOR n IN (1, 2))", [{"1": 1, "2": 1}]),
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


def test_an_answer_is_computed_as_it_is_read(views):
    """All of it would never end."""
    with views[0].answer("SELECT range AS n FROM range(1000000000000)") as answer:
        assert next(answer.batches).column("n")[1].as_py() == 1

    assert views[0].ask("SELECT 1 AS n").to_pylist() == [{"n": 1}]


def test_the_time_limit_includes_what_is_done_with_the_rows(views):
    with (
        pytest.raises(ConfigError, match="stopped after"),
        views[0].answer("SELECT range FROM range(1000000000000)", longest_s=0.1) as answer,
    ):
        for _ in answer.batches:
            pass


def test_an_error_among_the_rows_is_named(views):
    with pytest.raises(ConfigError, match="Conversion Error"):
        views[0].ask("SELECT (IF(range < 90000, '1', 'x'))::INT AS n FROM range(100000)")


TABLES, CTES = ("trades", "days"), ("trades", "days", "more", "rest")


@st.composite
def queries(draw, depth=3):
    """Draw a nested statement of one column in which CTEs have the names of views and of each other."""
    kind = draw(st.sampled_from(["source", "subquery", "scalar", "union", "ctes"] if depth else ["source"]))
    if kind == "source":
        return f"FROM {draw(st.sampled_from(CTES))}"
    inner = [draw(queries(depth - 1)) for _ in range(3 if kind == "ctes" else 2)]
    if kind == "ctes":
        names = draw(st.permutations(CTES))
        recursive = draw(st.sampled_from(["", "RECURSIVE "]))
        return f"WITH {recursive}{names[0]} AS ({inner[0]}), {names[1]} AS ({inner[1]}) ({inner[2]})"
    forms = {
        "subquery": "FROM ({})",
        "scalar": "SELECT ({} LIMIT 1) AS session FROM days",
        "union": "({}) UNION ALL ({})",
    }
    return forms[kind].format(*inner)


@given(queries())
@settings(max_examples=60)
def test_duckdb_finds_no_table_in_a_statement_that_the_check_did_not_find(statement):
    connection = two_tables()
    text = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [statement]).fetchall()[0][0]
    with suppress(ConfigError):
        read = question_of(statement, json.loads(text), views=TABLES).views

        assert connection.get_table_names(statement) <= read


@cache
def two_tables():
    import duckdb

    connection = duckdb.connect(":memory:")
    for name in TABLES:
        connection.execute(f"CREATE TABLE {name} (session DATE)")
    return connection


def test_a_question_that_needs_too_much_memory_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setitem(store.CONFIG, "memory_limit", "20MB")

    with (
        open_views(Home(tmp_path), make_settings()) as opened,
        pytest.raises(ConfigError, match="more memory than a query may have"),
    ):
        opened.ask("SELECT count(*) FROM (SELECT DISTINCT range FROM range(5000000))")
