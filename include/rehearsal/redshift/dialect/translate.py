"""Translate a statement: what it becomes in PostgreSQL, or the error that Redshift gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from ..errors import NOT_SUPPORTED, RedshiftError, not_supported, syntax_error, unsupported_command
from .lexer import Token, render, tokenize
from .rewrite import rewrite
from .statement import PLACEHOLDER, Analyze, Control, Statement, Truncate, Vacuum
from .stream import Stream
from .tables import BIND_VIEWS, UNBIND_VIEWS, alter_table, create_table
from .transfer import parse_copy, parse_unload

Handler = Callable[[Stream], Statement]

_LONG = 4_000  # characters

# Settings of Redshift that PostgreSQL does not have; they are kept under a prefix, where any name is allowed.
SETTINGS = {
    "analyze_threshold_percent": "10",
    "enable_case_sensitive_identifier": "off",
    "enable_case_sensitive_super_attribute": "off",
    "enable_numeric_rounding": "on",
    "enable_result_cache_for_session": "on",
    "json_parse_truncate_strings": "off",
    "json_serialization_enable": "off",
    "mv_enable_aqmv_for_session": "on",
    "query_group": "default",
    "spectrum_enable_pseudo_columns": "on",
    "describe_field_name_in_uppercase": "off",
    "downcase_delimited_identifier": "on",
    "wlm_query_slot_count": "1",
}


def translate(sql: str, *, case_sensitive: bool = False) -> Statement:
    """Translate one statement; an empty one stays empty.

    :param sql: the statement as the client wrote it.
    :param case_sensitive: quoted names keep their case (`enable_case_sensitive_identifier`).
    :raises RedshiftError: Redshift would refuse it, or the stand-in does not imitate it.
    """
    return (_translate if len(sql) > _LONG else _known)(sql, case_sensitive)


def _translate(sql: str, case_sensitive: bool) -> Statement:
    return translate_tokens(tokenize(sql)[:-1], case_sensitive=case_sensitive)


# Clients send the same statements in each session; the long ones are those that hold data.
_known = lru_cache(maxsize=512)(_translate)


def translate_tokens(tokens: Sequence[Token], *, case_sensitive: bool = False) -> Statement:
    """Translate a statement that is cut into tokens already; see `translate`."""
    while tokens and tokens[-1].word == ";":
        tokens = tokens[:-1]
    if any(token.word == ";" for token in tokens):
        raise RedshiftError("cannot insert multiple commands into a prepared statement", code="42601")
    stream = Stream(tokens, case_sensitive=case_sensitive)
    handler = _HANDLERS.get(stream.peek().word)
    if handler is None:
        return Statement(_rewrite(stream))
    return handler(stream)


def _rewrite(stream: Stream) -> str:
    stream.position = 0
    return rewrite(stream.rest(), case_sensitive=stream.case_sensitive)


def _rewriter(stream: Stream) -> Callable[[Sequence[Token]], str]:
    return partial(rewrite, case_sensitive=stream.case_sensitive)


def _begin(stream: Stream) -> Statement:
    # Isolation levels are taken and ignored: the database has one (Developer Guide, BEGIN).
    words = [token.word for token in stream.tokens]
    if stream.accept("START"):
        stream.expect("TRANSACTION")
    mode = " READ ONLY" if "ONLY" in words else ""
    return Statement(f"BEGIN{mode}", control=Control.BEGIN, tag="BEGIN" if words[0] == "BEGIN" else "START TRANSACTION")


def _end(stream: Stream) -> Statement:
    if stream.accept_any("ROLLBACK", "ABORT") and stream.at("TO"):
        raise unsupported_command(render(stream.tokens).strip())
    return Statement(_rewrite(stream), control=Control.END)


def _insert(stream: Stream) -> Statement:
    stream.expect("INSERT", "INTO")
    table = stream.name()
    rest = stream.rest()
    words = [token.word for token in rest]
    for index, word in enumerate(words):
        if word == "RETURNING" or (word == "ON" and words[index + 1 : index + 2] == ["CONFLICT"]):
            raise syntax_error(rest[index].text)
    return Statement(_rewrite(stream), writes=(table,), counts=table)


def _update(stream: Stream) -> Statement:
    stream.expect("UPDATE")
    table = stream.name()
    _refuse_returning(stream)
    return Statement(_rewrite(stream), writes=(table,), counts=table)


def _delete(stream: Stream) -> Statement:
    stream.expect("DELETE")
    stream.accept("FROM")
    table = stream.name()
    _refuse_returning(stream)
    rest = rewrite(stream.rest(), case_sensitive=stream.case_sensitive)
    sql = f"DELETE FROM {table}{rest}"  # noqa: S608 - the client's own SQL
    return Statement(sql, writes=(table,), counts=table)


def _refuse_returning(stream: Stream) -> None:
    for token in stream.tokens:
        if token.word == "RETURNING":
            raise syntax_error(token.text)


def _merge(stream: Stream) -> Statement:
    stream.expect("MERGE", "INTO")
    table = stream.name()
    stream.expect("USING")
    words = [token.word for token in stream.tokens]
    if words[-2:] == ["REMOVE", "DUPLICATES"]:
        return _remove_duplicates(stream, table)
    _check_merge(words)
    return Statement(_rewrite(stream), writes=(table,), counts=table)


def _check_merge(words: Sequence[str]) -> None:
    """Refuse what only PostgreSQL's MERGE can do: both branches are needed, without conditions."""
    text = " ".join(words)
    if "RETURNING" in words or "DO NOTHING" in text:
        raise syntax_error("RETURNING" if "RETURNING" in words else "DO")
    branches = text.split(" WHEN ")[1:]
    starts = [branch.split(" THEN ")[0] for branch in branches]
    if starts != ["MATCHED", "NOT MATCHED"]:
        wrong = next((start for start in starts if start not in ("MATCHED", "NOT MATCHED")), "")
        raise syntax_error(wrong.split()[-1] if wrong else "WHEN")


def _remove_duplicates(stream: Stream, table: str) -> Statement:
    """Matched rows go, then all of the source comes, identical rows once (Developer Guide, MERGE)."""
    rest = stream.rest()[:-2]
    at = next((index for index, token in enumerate(rest) if token.word == "ON"), None)
    if at is None:
        raise syntax_error("REMOVE")
    to_postgres = _rewriter(stream)
    source, condition = to_postgres(rest[:at]), to_postgres(rest[at + 1 :])
    delete = f"DELETE FROM {table} USING {source} WHERE {condition}"  # noqa: S608 - the client's own SQL
    insert = f"INSERT INTO {table} SELECT DISTINCT * FROM {source}"  # noqa: S608
    return Statement(delete, writes=(table,), counts=table, tag="MERGE", follow_up=(insert,))


def _truncate(stream: Stream) -> Statement:
    stream.expect("TRUNCATE")
    stream.accept("TABLE")
    table = stream.name()
    if not stream.at_end():
        raise stream.error()
    return Statement(PLACEHOLDER, special=Truncate(table))


def _copy(stream: Stream) -> Statement:
    stream.expect("COPY")
    copy = parse_copy(stream)
    return Statement(PLACEHOLDER, special=copy, writes=(copy.table,))


def _unload(stream: Stream) -> Statement:
    stream.expect("UNLOAD")
    return Statement(PLACEHOLDER, special=parse_unload(stream))


def _vacuum(stream: Stream) -> Statement:
    stream.expect("VACUUM")
    form = stream.accept_any("FULL", "SORT", "DELETE", "REINDEX", "RECLUSTER") or "FULL"
    if form in ("SORT", "DELETE"):
        stream.expect("ONLY")
    table = stream.name() if stream.peek().is_name() and stream.peek().word not in ("TO", "BOOST") else None
    threshold, boost = 95, False
    if stream.accept("TO"):
        threshold = stream.integer()
        stream.expect("PERCENT")
        threshold_given = True
    else:
        threshold_given = False
    boost = stream.accept("BOOST")
    if not stream.at_end() or (table is None and (threshold_given or boost)):
        raise stream.error()
    if form == "REINDEX" and threshold_given:
        raise syntax_error("TO")
    vacuum = Vacuum(table, sorts=form != "DELETE", deletes=form in ("FULL", "DELETE"), threshold=threshold, form=form)
    return Statement(PLACEHOLDER, special=vacuum, alone="VACUUM")


def _analyze(stream: Stream) -> Statement:
    stream.accept_any("ANALYZE", "ANALYSE")
    if stream.accept("COMPRESSION"):
        raise RedshiftError("ANALYZE COMPRESSION is not imitated by the stand-in", code=NOT_SUPPORTED)
    stream.accept("VERBOSE")
    table = stream.name() if stream.peek().is_name() and stream.peek().word not in ("PREDICATE", "ALL") else None
    columns: tuple[str, ...] = ()
    if table and stream.at("("):
        columns = tuple(token.text for token in stream.parenthesised() if token.is_name())
    if stream.accept_any("PREDICATE", "ALL"):
        stream.expect("COLUMNS")
    if not stream.at_end():
        raise stream.error()
    return Statement(PLACEHOLDER, special=Analyze(table, columns))


def _create(stream: Stream) -> Statement:
    stream.expect("CREATE")
    if stream.accept("OR", "REPLACE"):
        return _create_other(stream)
    temporary = bool(stream.accept_any("LOCAL") or stream.peek().word in ("TEMP", "TEMPORARY"))
    if temporary:
        stream.accept_any("TEMP", "TEMPORARY")
    if stream.accept("TABLE"):
        return create_table(stream, _rewriter(stream), temporary)
    return _create_other(stream)


_CREATED = {"VIEW", "SCHEMA", "USER", "GROUP", "ROLE", "DATABASE", "FUNCTION", "PROCEDURE", "MATERIALIZED"}


def _create_other(stream: Stream) -> Statement:
    kind = stream.peek().word
    if kind not in _CREATED:
        raise unsupported_command(render(stream.tokens).strip())
    words = [token.word for token in stream.tokens]
    if kind == "VIEW" and words[-4:] == ["WITH", "NO", "SCHEMA", "BINDING"]:
        return _late_binding_view(stream)
    if kind == "DATABASE" and "ISOLATION" in words:
        raise RedshiftError("CREATE DATABASE ISOLATION LEVEL: use ALTER DATABASE", code=NOT_SUPPORTED)
    return Statement(_rewrite(stream), after=BIND_VIEWS if kind == "VIEW" else ())


def _late_binding_view(stream: Stream) -> Statement:
    stream.expect("VIEW")
    view = stream.name()
    body = rewrite(stream.rest()[:-4], case_sensitive=stream.case_sensitive)
    note = ("SELECT rs.note_view($1, $2)", view, body)
    return Statement(PLACEHOLDER, after=(note, *BIND_VIEWS), tag="CREATE VIEW")


def _alter(stream: Stream) -> Statement:
    stream.expect("ALTER")
    if stream.accept("TABLE"):
        return alter_table(stream, _rewriter(stream))
    if stream.accept("DATABASE"):
        database = stream.name()
        if stream.accept("ISOLATION", "LEVEL"):
            level = "serializable" if stream.accept("SERIALIZABLE") else "repeatable read"
            return Statement(f"ALTER DATABASE {database} SET default_transaction_isolation = '{level}'")
    if stream.peek().word in ("INDEX", "SEQUENCE", "TYPE", "DOMAIN", "EXTENSION", "TRIGGER"):
        raise unsupported_command(render(stream.tokens).strip())
    return Statement(_rewrite(stream))


def _drop(stream: Stream) -> Statement:
    stream.expect("DROP")
    kind = stream.next().word
    if kind in ("INDEX", "SEQUENCE", "TYPE", "DOMAIN", "EXTENSION", "TRIGGER", "RULE"):
        raise unsupported_command(render(stream.tokens).strip())
    if kind == "VIEW":
        guard = ["IF EXISTS"] if stream.accept("IF", "EXISTS") else []
        view = stream.name()
        sql = " ".join(["DROP VIEW", *guard, view, rewrite(stream.rest())])
        return Statement(sql, after=(("SELECT rs.forget_view($1)", view),))
    if kind in ("TABLE", "SCHEMA"):
        return Statement(_rewrite(stream), before=UNBIND_VIEWS, after=BIND_VIEWS)
    return Statement(_rewrite(stream))


def _grant(stream: Stream) -> Statement:
    # Who may INSERT may also lock the table for it, which PostgreSQL calls MAINTAIN.
    words = [token.word for token in stream.tokens]
    before_on = words.index("ON") if "ON" in words else 0
    for index in range(before_on):
        if words[index] == "INSERT":
            stream.tokens[index] = stream.tokens[index].with_text("INSERT, MAINTAIN")
    return Statement(_rewrite(stream))


def _set(stream: Stream) -> Statement:
    stream.expect("SET")
    if stream.at("TRANSACTION") or stream.at("SESSION", "CHARACTERISTICS"):
        return Statement(PLACEHOLDER, tag="SET")
    stream.accept_any("SESSION", "LOCAL")
    name = stream.peek().text.lower()
    if name not in SETTINGS:
        return Statement(_rewrite(stream))
    stream.tokens[stream.position] = stream.peek().with_text(f"redshift.{name}")
    value = stream.tokens[-1].text.strip("'\"").lower()
    return Statement(_rewrite(stream), settings={name: value})


def _show(stream: Stream) -> Statement:
    stream.expect("SHOW")
    name = stream.peek().text.lower()
    if name in SETTINGS:
        return Statement(f"SELECT current_setting('redshift.{name}') AS {name}", tag="SHOW")
    return Statement(_rewrite(stream))


def _unsupported(stream: Stream) -> Statement:
    raise unsupported_command(render(stream.tokens).strip())


def _select(stream: Stream) -> Statement:
    words = [token.word for token in stream.tokens]
    if words[0] == "WITH" and {"INSERT", "UPDATE", "DELETE", "MERGE"} & set(words):
        raise not_supported("INSERT, UPDATE or DELETE after WITH")
    counts = None
    if "INTO" in words:  # SELECT ... INTO makes a table
        stream.position = words.index("INTO") + 1
        stream.accept_any("TEMP", "TEMPORARY")
        stream.accept("TABLE")
        counts = stream.name()
    return Statement(_rewrite(stream), counts=counts)


# fmt: off
_ABSENT = (
    "SAVEPOINT", "RELEASE", "LISTEN", "NOTIFY", "UNLISTEN", "CLUSTER", "REINDEX", "DO", "IMPORT",
    "SECURITY", "CHECKPOINT", "DISCARD", "LOAD",
)
# fmt: on

_HANDLERS: dict[str, Handler] = {
    "BEGIN": _begin,
    "START": _begin,
    "COMMIT": _end,
    "END": _end,
    "ROLLBACK": _end,
    "ABORT": _end,
    "INSERT": _insert,
    "UPDATE": _update,
    "DELETE": _delete,
    "MERGE": _merge,
    "TRUNCATE": _truncate,
    "COPY": _copy,
    "UNLOAD": _unload,
    "VACUUM": _vacuum,
    "ANALYZE": _analyze,
    "ANALYSE": _analyze,
    "CREATE": _create,
    "ALTER": _alter,
    "DROP": _drop,
    "GRANT": _grant,
    "SET": _set,
    "SHOW": _show,
    "SELECT": _select,
    "WITH": _select,
    **dict.fromkeys(_ABSENT, _unsupported),
}
