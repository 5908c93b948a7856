"""Tables are made and changed as Redshift lets them be."""

from __future__ import annotations

import pytest

from tests.integration.rehearsal.redshift.conftest import Connect
from tests.integration.rehearsal.redshift.harness import Client


def test_keys_are_not_enforced(client: Client) -> None:
    client.run("CREATE TABLE t (id INT PRIMARY KEY, code INT UNIQUE, CONSTRAINT both_of_them UNIQUE (id, code))")
    for _ in range(2):
        client.run("INSERT INTO t VALUES (1, 1)")
    assert client.value("SELECT count(*) FROM t WHERE id = 1 AND code = 1") == 2


def test_keys_stay_unenforced_after_truncate_and_vacuum(client: Client) -> None:
    client.run("CREATE TABLE t (id INT PRIMARY KEY)")
    client.run("TRUNCATE t")
    client.run("INSERT INTO t VALUES (1), (1), (2)")
    client.run("DELETE FROM t WHERE id = 2")
    client.run("VACUUM t TO 100 PERCENT")
    client.run("INSERT INTO t VALUES (1)")
    client.run("ALTER TABLE t ADD COLUMN v INT DEFAULT 0")
    client.run("INSERT INTO t VALUES (1, 1)")
    assert client.value("SELECT count(*) FROM t") == 4


def test_a_foreign_key_is_not_enforced(client: Client) -> None:
    client.run("CREATE TABLE parent (id INT PRIMARY KEY)")
    client.run("CREATE TABLE child (id INT REFERENCES parent (id), other INT)")
    client.run("ALTER TABLE child ADD FOREIGN KEY (other) REFERENCES parent (id)")
    client.run("INSERT INTO child VALUES (7, 8)")
    client.run("INSERT INTO parent VALUES (1), (1)")
    client.run("DELETE FROM parent")
    assert client.run("SELECT * FROM child") == [(7, 8)]


def test_a_primary_key_is_shown_and_not_null(client: Client, schema: str) -> None:
    client.run("CREATE TABLE t (a INT, b INT, PRIMARY KEY (b, a))")
    rows = client.run(
        "SELECT kcu.column_name FROM information_schema.table_constraints tco "
        "JOIN information_schema.key_column_usage kcu ON kcu.constraint_name = tco.constraint_name "
        "AND kcu.constraint_schema = tco.constraint_schema "
        "WHERE tco.constraint_type = 'PRIMARY KEY' AND kcu.table_schema = %s AND kcu.table_name = 't' "
        "ORDER BY ordinal_position",
        schema,
    )
    assert rows == [("b",), ("a",)]
    assert client.fails("INSERT INTO t VALUES (1, NULL)")["M"] == "Cannot insert a NULL value into column b"


def test_names_fold_to_lower_case_even_in_quotes(client: Client) -> None:
    client.run('CREATE TABLE "MiXed" ("ID" INT, "Order" INT)')
    client.run('INSERT INTO mixed (id, "order") VALUES (1, 2)')
    client.run('SELECT "ID", "ORDER" FROM MIXED')
    assert [column[0] for column in client.cursor.description] == ["id", "order"]


def test_names_keep_their_case_if_the_session_says_so(client: Client) -> None:
    client.run("SET enable_case_sensitive_identifier TO true")
    client.run('CREATE TABLE "Mixed" ("Id" INT)')
    assert "mixed" in client.fails("SELECT 1 FROM mixed")["M"]
    client.run('SELECT "Id" FROM "Mixed"')
    assert client.cursor.description[0][0] == "Id"


def test_japanese_names_work(client: Client) -> None:
    client.run('CREATE TABLE "売上明細" ("商品コード" VARCHAR(30), "数量" INT)')
    client.run("INSERT INTO \"売上明細\" VALUES ('あ', 3)")
    assert client.run('SELECT "商品コード", 数量 FROM 売上明細') == [("あ", 3)]


def test_a_name_that_the_stand_in_cannot_store_is_refused_not_cut(client: Client) -> None:
    assert "stand-in" in client.fails(f"CREATE TABLE {'x' * 64} (id INT)")["M"]


def test_a_temporary_table_belongs_to_its_session(connect: Connect) -> None:
    first, second = connect(autocommit=True), connect(autocommit=True)
    first.run("CREATE TABLE #stage (id INT)")
    first.run("INSERT INTO #stage VALUES (1)")
    assert first.value("SELECT count(*) FROM #stage") == 1
    assert second.fails("SELECT * FROM #stage")["C"] == "42P01"
    first.run("CREATE TEMP TABLE other (LIKE #stage)")
    assert first.value("SELECT count(*) FROM other") == 0


def test_like_copies_types_and_not_null_but_no_keys(client: Client, schema: str) -> None:
    client.run("CREATE TABLE a (id INT NOT NULL PRIMARY KEY, v VARCHAR(9) DEFAULT 'x', b VARBYTE(4))")
    client.run("CREATE TABLE c (LIKE a)")
    rows = client.run(
        "SELECT column_name, is_nullable, column_default, character_maximum_length FROM svv_columns "
        "WHERE table_schema = %s AND table_name = 'c' ORDER BY 1",
        schema,
    )
    assert rows == [("b", "YES", None, 4), ("id", "NO", None, None), ("v", "YES", None, 9)]
    sql = "SELECT count(*) FROM information_schema.table_constraints WHERE table_schema = %s AND table_name = 'c' "
    assert client.value(sql + "AND constraint_type = 'PRIMARY KEY'", schema) == 0


def test_table_attributes_are_taken_and_shown(client: Client, schema: str) -> None:
    client.run(
        "CREATE TABLE IF NOT EXISTS t (id BIGINT ENCODE az64, at TIMESTAMP ENCODE raw) BACKUP NO "
        "DISTSTYLE KEY DISTKEY (id) COMPOUND SORTKEY (at, id)"
    )
    client.run("INSERT INTO t VALUES (1, '2026-01-01')")
    sql = "SELECT diststyle, sortkey1, sortkey_num FROM svv_table_info WHERE \"table\" = 't' AND schema = %s"
    assert client.run(sql, schema) == [("KEY(id)", "at", 2)]


def test_a_table_made_from_a_query_keeps_the_types(client: Client) -> None:
    client.run("CREATE TABLE a (v VARCHAR(7))")
    client.run("CREATE TABLE b DISTSTYLE ALL AS SELECT v FROM a")
    assert client.value("SELECT type FROM pg_table_def WHERE tablename = 'b'") == "character varying(7)"


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("INSERT INTO t VALUES (1, 'a') ON CONFLICT (id) DO NOTHING", "42601"),
        ("INSERT INTO t VALUES (1, 'a') RETURNING id", "42601"),
        ("DELETE FROM t RETURNING id", "42601"),
        ("CREATE INDEX i ON t (id)", "0A000"),
        ("CREATE UNIQUE INDEX i ON t (id)", "0A000"),
        ("CREATE SEQUENCE s", "0A000"),
        ("CREATE EXTENSION vector", "0A000"),
        ("SAVEPOINT a", "0A000"),
        ("SELECT DISTINCT ON (id) id, v FROM t", "0A000"),
        ("SELECT id FROM t FOR UPDATE", "0A000"),
        ("SELECT string_agg(v, ',') FROM t", "42883"),
        ("CREATE TABLE u (id INT CHECK (id > 0))", "0A000"),
        ("ALTER TABLE t ADD COLUMN a INT, ADD COLUMN b INT", "42601"),
        ("ALTER TABLE t ADD COLUMN a INT NOT NULL", "0A000"),
        ("ALTER TABLE t ALTER COLUMN id TYPE BIGINT", "0A000"),
        ("ALTER TABLE t ALTER COLUMN v TYPE VARCHAR(5)", "0A000"),
        ("MERGE INTO t USING t AS s ON t.id = s.id WHEN MATCHED AND s.id > 1 THEN DELETE", "42601"),
    ],
)
def test_what_redshift_lacks_is_refused(client: Client, sql: str, code: str) -> None:
    client.run("CREATE TABLE t (id INT, v VARCHAR(10))")
    assert client.fails(sql)["C"] == code


def test_a_varchar_column_grows_outside_transactions_only(connect: Connect) -> None:
    client, other = connect(autocommit=True), connect()
    client.run("CREATE TABLE t (v VARCHAR(3))")
    client.run("ALTER TABLE t ALTER COLUMN v TYPE VARCHAR(9)")
    client.run("INSERT INTO t VALUES ('日本語')")
    error = other.fails("ALTER TABLE t ALTER COLUMN v TYPE VARCHAR(20)")
    assert error["M"] == "ALTER TABLE ALTER COLUMN cannot run inside a transaction block"


def test_added_columns_have_redshifts_types(client: Client) -> None:
    client.run("CREATE TABLE t (id INT)")
    client.run("INSERT INTO t VALUES (1)")
    client.run("ALTER TABLE t ADD COLUMN v VARCHAR(4) DEFAULT 'abcd' ENCODE lzo")
    assert client.run("SELECT * FROM t") == [(1, "abcd")]
    assert client.fails("INSERT INTO t VALUES (2, '日本')")["C"] == "22001"


def test_a_view_follows_its_table_through_a_rename_and_a_late_binding_view_does_not(
    client: Client, schema: str
) -> None:
    for name, value in (("t", 1), ("fresh", 2)):
        client.run(f"CREATE TABLE {name} (id INT)")
        client.run(f"INSERT INTO {name} VALUES ({value})")
    client.run(f"CREATE VIEW bound AS SELECT id FROM {schema}.t")
    client.run(f"CREATE VIEW late AS SELECT id FROM {schema}.t WITH NO SCHEMA BINDING")
    client.run("ALTER TABLE t RENAME TO old")
    client.run("ALTER TABLE fresh RENAME TO t")
    assert client.value("SELECT id FROM bound") == 1
    assert client.value("SELECT id FROM late") == 2
    assert client.fails("DROP TABLE old")["C"] == "2BP01"
    client.run("DROP TABLE t")
    assert client.fails("SELECT id FROM late")["C"] == "42P01"
    client.run("CREATE TABLE t (id INT)")


def test_the_views_of_a_table_are_found_in_the_catalog(client: Client, schema: str) -> None:
    client.run("CREATE TABLE t (id INT)")
    client.run("CREATE VIEW v AS SELECT id FROM t")
    sql = (
        "SELECT DISTINCT c.relname, pg_get_viewdef(c.oid) FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid "
        "JOIN pg_class c ON c.oid = r.ev_class WHERE d.refobjid = %s::regclass AND c.relkind = 'v'"
    )
    [(name, definition)] = client.run(sql, f"{schema}.t")
    assert name == "v"
    assert "FROM" in definition


def test_privileges_are_given_and_shown(connect: Connect, stand_in, schema: str) -> None:
    admin = connect(autocommit=True)
    admin.run("CREATE TABLE t (id INT)")
    admin.run(f"CREATE USER u_{schema} PASSWORD 'Pw-123456'")
    try:
        admin.run(f"GRANT USAGE ON SCHEMA {schema} TO u_{schema}")
        admin.run(f"GRANT INSERT, SELECT ON t TO u_{schema}")
        user = stand_in.connect(user=f"u_{schema}", password="Pw-123456", autocommit=True)
        user.run(f"INSERT INTO {schema}.t VALUES (1)")
        assert "permission denied" in user.fails(f"DELETE FROM {schema}.t")["M"]
        assert user.run("SELECT * FROM svv_table_info") == []
        rows = admin.run(
            "SELECT privilege_type FROM svv_relation_privileges WHERE namespace_name = %s AND identity_name = %s",
            schema,
            f"u_{schema}",
        )
        assert sorted(rows) == [("INSERT",), ("SELECT",)]
        user.close()
    finally:
        admin.run(f"REVOKE ALL ON t FROM u_{schema}")
        admin.run(f"REVOKE ALL ON SCHEMA {schema} FROM u_{schema}")
        admin.run(f"DROP USER u_{schema}")
