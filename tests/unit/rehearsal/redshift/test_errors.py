"""PostgreSQL's errors become Redshift's."""

from rehearsal.redshift.errors import internal, translate


def test_a_serialization_failure_is_1023_with_the_fields_that_redshift_sends() -> None:
    found = translate({"S": "ERROR", "C": "40001", "M": "could not serialize", "H": "retry"}, table_id=7, pid=9)
    assert (found["C"], found["M"], found["R"]) == ("XX000", "1023", "pg_throw")
    assert found["D"].startswith("Serializable isolation violation on table - 7, transactions forming the cycle are: ")
    assert found["D"].endswith("(pid:9)")
    assert "H" not in found


def test_a_null_is_named_by_its_column_and_no_row_is_shown() -> None:
    message = 'null value in column "id" of relation "t" violates not-null constraint'
    found = translate({"S": "ERROR", "C": "23502", "M": message, "D": "Failing row contains (secret)."})
    assert found["M"] == "Cannot insert a NULL value into column id"
    assert "secret" not in str(found)


def test_empty_and_unknown_fields_are_left_out() -> None:
    assert translate({"S": "ERROR", "C": "XX000", "M": "m", "D": "", "V": "ERROR", "t": "x"}) == {
        "S": "ERROR",
        "C": "XX000",
        "M": "m",
    }


def test_an_internal_error_has_its_number_in_a_framed_detail() -> None:
    error = internal("Disk Full", 1016, "node: 0", 5)
    assert error.code == "53100"
    assert "code:      1016" in error.detail
    assert "query:     5" in error.detail
