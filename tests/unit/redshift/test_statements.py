"""The SQL for the warehouse, word by word."""

from __future__ import annotations

from livemove.redshift import statements
from livemove.redshift.drift import WantedColumn
from livemove.redshift.statements import StateRow

COLUMNS = [WantedColumn("id", "BIGINT", not_null=True), WantedColumn("group", "VARCHAR(3)")]
TARGET = ("shop", "order")


def test_a_table_has_its_distribution_and_sort_order() -> None:
    made = statements.create_table('"shop"."order"', COLUMNS, dist_key="id", sort_key=["group", "id"])
    assert made == (
        'CREATE TABLE "shop"."order" ("id" BIGINT NOT NULL, "group" VARCHAR(3)) '
        'DISTKEY ("id") COMPOUND SORTKEY ("group", "id")'
    )


def test_a_key_is_declared_on_its_own() -> None:
    assert statements.add_primary_key(TARGET, ["id", "group"]) == (
        'ALTER TABLE "shop"."order" ADD PRIMARY KEY ("id", "group")'
    )


def test_a_table_may_have_no_sort_order() -> None:
    assert statements.create_table("t", COLUMNS) == 'CREATE TABLE t ("id" BIGINT NOT NULL, "group" VARCHAR(3))'


def test_a_stage_is_temporary_and_has_the_same_columns() -> None:
    assert statements.create_stage("s", COLUMNS) == 'CREATE TEMP TABLE s ("id" BIGINT NOT NULL, "group" VARCHAR(3))'


def test_copy_loads_a_manifest_of_parquet_and_renews_statistics_of_tables_that_stay() -> None:
    loaded = "FROM 's3://b/o''x/m' IAM_ROLE default FORMAT AS PARQUET MANIFEST"
    assert statements.copy("t", manifest_url="s3://b/o'x/m", iam_role="default") == f"COPY t {loaded}"
    staged = statements.copy(statements.STAGE, manifest_url="s3://b/o'x/m", iam_role="default")
    assert staged == f"COPY livemove_stage {loaded} STATUPDATE OFF"
    assert "IAM_ROLE 'arn:aws:iam::1:role/x'" in statements.copy(
        "t", manifest_url="m", iam_role="arn:aws:iam::1:role/x"
    )


def test_renewed_rows_are_found_by_every_column_of_the_key() -> None:
    assert statements.delete_matching(TARGET, "s", ["id", "group"]) == (
        'DELETE FROM "shop"."order" USING s WHERE "shop"."order"."id" = s."id" AND "shop"."order"."group" = s."group"'
    )


def test_rows_are_inserted_by_name_and_not_by_position() -> None:
    assert statements.insert_all(TARGET, "s", ["id", "group"]) == (
        'INSERT INTO "shop"."order" ("id", "group") SELECT "id", "group" FROM s'
    )


def test_of_rows_with_one_key_the_latest_goes_in() -> None:
    assert statements.insert_latest(TARGET, "s", ["id", "group"], key=["id"], watermark="at") == (
        'INSERT INTO "shop"."order" ("id", "group") SELECT "id", "group" FROM (SELECT "id", "group", '
        'ROW_NUMBER() OVER (PARTITION BY "id" ORDER BY "at" DESC NULLS LAST) AS livemove_rank FROM s) AS ranked '
        "WHERE livemove_rank = 1"
    )
    assert statements.count_distinct_keys("s", ["id", "group"]) == (
        'SELECT COUNT(*) FROM (SELECT "id", "group" FROM s GROUP BY "id", "group") AS distinct_keys'
    )


def test_a_column_is_added_without_not_null_as_older_rows_have_no_value() -> None:
    assert statements.add_column(TARGET, COLUMNS[0]) == 'ALTER TABLE "shop"."order" ADD COLUMN "id" BIGINT'


def test_a_state_row_has_a_value_for_each_marker_in_its_order() -> None:
    names = list(StateRow.__dataclass_fields__)
    statement = statements.append_state("own")
    assert statement.count("%s") == len(names)
    columns = statement.split("(")[1].split(")")[0].split(", ")
    assert columns == ["table_name" if n == "table" else f"{n}_bound" if n in ("lower", "upper") else n for n in names]
    assert all(f"{column} " in statements.create_state("own") for column in columns)


def test_the_state_is_read_at_its_newest_line_of_each_table_of_one_sync() -> None:
    statement = statements.read_state("own")
    assert statement.count("sync = %s") == 2
    assert "MAX(version)" in statement
    assert '"own"."sync_state"' in statement


def test_small_statements_name_the_table() -> None:
    assert statements.rename_table(TARGET, 'new"') == 'ALTER TABLE "shop"."order" RENAME TO "new"""'
    assert statements.drop_table(TARGET) == 'DROP TABLE IF EXISTS "shop"."order"'
    assert statements.drop_table((statements.STAGE,)) == 'DROP TABLE IF EXISTS "livemove_stage"'
    assert statements.create_like("a", "b") == "CREATE TABLE a (LIKE b INCLUDING DEFAULTS)"
    assert statements.create_schema("a b") == 'CREATE SCHEMA IF NOT EXISTS "a b"'
    assert statements.vacuum(TARGET, what="DELETE ONLY", to_percent=99) == (
        'VACUUM DELETE ONLY "shop"."order" TO 99 PERCENT'
    )
    assert statements.analyze(TARGET) == 'ANALYZE "shop"."order"'
    assert statements.count("s") == "SELECT COUNT(*) FROM s"
