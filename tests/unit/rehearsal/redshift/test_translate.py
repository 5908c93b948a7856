"""Statements become PostgreSQL's, or the error that Redshift gives."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rehearsal.redshift.dialect.statement import Analyze, Append, Control, Truncate, Vacuum
from rehearsal.redshift.dialect.transfer import Copy, Unload
from rehearsal.redshift.dialect.translate import translate
from rehearsal.redshift.errors import RedshiftError


def words(sql: str) -> str:
    return " ".join(sql.split())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a, 'SUPER #x SYSDATE', b::varchar(3) FROM t WHERE c <> $1",
        "SELECT x->'a', 1 <= 2, /* a comment */ a || b FROM s.t",
        "EXPLAIN SELECT 1",
    ],
)
def test_plain_queries_stay_as_they_are(sql: str) -> None:
    assert translate(sql).sql == sql


@given(st.text(st.characters(categories=["Ll", "Lu", "Lo"]), min_size=1, max_size=15))
def test_quoted_names_fold_in_ascii_alone(name: str) -> None:
    folded = "".join(letter.lower() if letter.isascii() else letter for letter in name)
    assert translate(f'SELECT "{name}"').sql == f'SELECT "{folded}"'
    assert translate(f'SELECT "{name}"', case_sensitive=True).sql == f'SELECT "{name}"'


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT GETDATE(), SYSDATE", "SELECT GETDATE(), pg_catalog.sysdate()"),
        ("SELECT NVL(a, 1), t.sysdate FROM #T t", 'SELECT coalesce(a, 1), t.sysdate FROM "#t" t'),
        ("SELECT a::SUPER, CAST(b AS VARCHAR(MAX))", "SELECT a::jsonb, CAST(b AS VARCHAR(65535))"),
        ("SELECT DATEADD(day, 1, x)", "SELECT DATEADD('day', 1, x)"),
        ("DELETE t WHERE id = 1", 'DELETE FROM "t" WHERE id = 1'),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE", "BEGIN"),
        ("BEGIN READ ONLY", "BEGIN READ ONLY"),
        ("SET query_group TO 'a'", "SET redshift.query_group TO 'a'"),
        ("GRANT SELECT, INSERT ON t TO u", "GRANT SELECT, INSERT, MAINTAIN ON t TO u"),
    ],
)
def test_words_of_redshift_become_those_of_postgresql(sql: str, expected: str) -> None:
    assert words(translate(sql).sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "CREATE TABLE T (id BIGINT IDENTITY(1, 2) ENCODE az64 DISTKEY, v TEXT DEFAULT 'a' NOT NULL, s SUPER) "
            "DISTSTYLE KEY SORTKEY (id)",
            'CREATE TABLE "t" ("id" bigint GENERATED ALWAYS AS IDENTITY (START WITH 1 INCREMENT BY 2 MINVALUE 1), '
            '"v" varchar(256) DEFAULT \'a\' NOT NULL, "s" jsonb)',
        ),
        ("CREATE TABLE #s (LIKE a.b)", 'CREATE TEMPORARY TABLE "#s" (LIKE "a"."b" INCLUDING CONSTRAINTS )'),
        (
            "CREATE TABLE t (d DECIMAL, e NUMERIC(9), f FLOAT)",
            'CREATE TABLE "t" ("d" numeric(18,0), "e" numeric(9,0), "f" double precision)',
        ),
        ("CREATE TEMP TABLE t DISTSTYLE EVEN AS SELECT 1 a", 'CREATE TEMPORARY TABLE "t" AS SELECT 1 a'),
        ("ALTER TABLE t ADD b VARCHAR ENCODE zstd", 'ALTER TABLE "t" ADD COLUMN "b" varchar(256)'),
    ],
)
def test_table_definitions_lose_what_postgresql_has_not(sql: str, expected: str) -> None:
    assert words(translate(sql).sql) == expected


def test_writes_lock_and_count_their_table() -> None:
    for sql in ("INSERT INTO S.T VALUES (1)", "UPDATE s.t SET a = 1", "DELETE FROM s.t", 'DELETE FROM "S"."T"'):
        statement = translate(sql)
        assert statement.writes == ('"s"."t"',)
        assert statement.counts == '"s"."t"'
    assert translate("SELECT 1").writes == ()


@pytest.mark.parametrize(
    ("sql", "special"),
    [
        ("TRUNCATE TABLE s.t", Truncate('"s"."t"')),
        ("VACUUM", Vacuum(None, sorts=True, deletes=True, threshold=95, form="FULL")),
        (
            "vacuum delete only t to 80 percent boost",
            Vacuum('"t"', sorts=False, deletes=True, threshold=80, form="DELETE"),
        ),
        ("VACUUM SORT ONLY t", Vacuum('"t"', sorts=True, deletes=False, threshold=95, form="SORT")),
        ("ANALYZE", Analyze(None)),
        ("ANALYZE t (a, b)", Analyze('"t"', ("a", "b"))),
        ("ANALYZE t PREDICATE COLUMNS", Analyze('"t"')),
        ("ALTER TABLE a APPEND FROM b", Append('"a"', '"b"')),
    ],
)
def test_special_statements_are_recognised(sql: str, special: object) -> None:
    assert translate(sql).special == special


@pytest.mark.parametrize(
    ("sql", "control"),
    [("START TRANSACTION", Control.BEGIN), ("END", Control.END), ("ABORT", Control.END), ("SELECT 1", Control.NONE)],
)
def test_transaction_control_is_recognised(sql: str, control: Control) -> None:
    assert translate(sql).control is control


def test_copy_keeps_its_options_and_forgets_its_credentials() -> None:
    special = translate(
        "COPY s.t (A, b) FROM 's3://lake/x' CREDENTIALS 'aws_secret_access_key=hush' CSV QUOTE AS '*' GZIP "
        "NULL AS '\\N' IGNOREHEADER 1 MAXERROR AS 5 TIMEFORMAT 'auto' STATUPDATE OFF"
    ).special
    assert isinstance(special, Copy)
    assert (special.table, special.columns, special.source) == ('"s"."t"', ("a", "b"), "s3://lake/x")
    assert (special.format, special.flags) == ("csv", {"GZIP"})
    assert special.values == {
        "QUOTE": "*",
        "NULL": r"\N",
        "IGNOREHEADER": 1,
        "MAXERROR": 5,
        "TIMEFORMAT": "auto",
        "STATUPDATE": "OFF",
    }
    assert "hush" not in repr(special)


def test_unload_reads_its_query_out_of_the_literal() -> None:
    special = translate("UNLOAD ('SELECT ''a''') TO 's3://lake/x' IAM_ROLE default PARQUET ALLOWOVERWRITE").special
    assert special == Unload("SELECT 'a'", "s3://lake/x", "parquet", frozenset({"ALLOWOVERWRITE"}))


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING", "42601"),
        ("COPY t FROM 's3://a/b' FORMAT PARQUET MAXERROR 3", "0A000"),
        ("COPY t FROM STDIN", "42601"),
        ("COPY t FROM 's3://a/b' NONSENSE", "42601"),
        ("CREATE TABLE t (id uuid)", "0A000"),
        ("CREATE TABLE t (id int", "42601"),
        ("CREATE TABLE", "42601"),
        ("SELECT 1; SELECT 2", "42601"),
        ("VACUUM SORT t", "42601"),
        ("SELECT a FROM t, LATERAL (SELECT 1) x", "0A000"),
        (f"SELECT {'x' * 64}", "0A000"),
    ],
)
def test_what_redshift_refuses_is_refused(sql: str, code: str) -> None:
    with pytest.raises(RedshiftError) as caught:
        translate(sql)
    assert caught.value.code == code


HEADS = [
    "CREATE TABLE t (a",
    "CREATE TABLE",
    "ALTER TABLE",
    "COPY t FROM 's3://a/b'",
    "COPY",
    "UNLOAD",
    "VACUUM t",
    "VACUUM",
]
HEADS += [
    "MERGE INTO t USING",
    "INSERT INTO",
    "WITH",
    "SELECT INTO",
    "SET",
    "SHOW",
    "ANALYZE",
    "GRANT",
    "DROP",
    "BEGIN",
]
REST = [
    "t",
    "(",
    ")",
    "(1.5)",
    "(2, 3, 4)",
    "(-1)",
    "()",
    ",",
    "int",
    "varchar",
    "char",
    "decimal",
    "float",
    "FROM",
    "'x'",
]
REST += [
    "'s3://a/b'",
    "ADD",
    "TYPE",
    "USING",
    "ON",
    "AS",
    "1",
    "TO",
    "PERCENT",
    "IDENTITY",
    "MAXERROR",
    "FORMAT",
    "MAX",
]


@given(st.sampled_from(HEADS), st.lists(st.sampled_from(REST), max_size=8))
@settings(max_examples=500)
def test_no_statement_makes_it_fail_otherwise(head: str, rest: list[str]) -> None:
    with contextlib.suppress(RedshiftError):
        translate(" ".join([head, *rest]))
