"""Heartbeat, accounts, events, transactions and checks of schemas, on real servers of both generations."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import Any

import pymysql
import pytest

from livemove.mysql import accounts, events, heartbeat, schema_checks, transactions
from livemove.mysql.accounts import Account
from livemove.mysql.errors import Refused
from livemove.mysql.events import Event
from tests.fixtures.mysql_servers import Node, Servers

pytestmark = pytest.mark.every_mysql


def login(node: Node, user: str, password: str) -> Any:
    return pymysql.connect(host="127.0.0.1", port=node.port, user=user, password=password, autocommit=True)


def make_writers(node: Node, host: str = "%") -> None:
    node.quietly("CREATE DATABASE IF NOT EXISTS shop")
    node.quietly("CREATE TABLE IF NOT EXISTS shop.t (id INT PRIMARY KEY)")
    for user in ("app", "batch"):
        node.quietly(f"CREATE USER {user}@'{host}' IDENTIFIED BY 'pw'")
        node.quietly(f"GRANT SELECT, INSERT ON shop.* TO {user}@'{host}'")


# -- heartbeat


def test_a_beat_travels_along_the_chain(servers: Servers) -> None:
    servers.follow(servers.aurora3, servers.rds80)
    servers.follow(servers.rds84, servers.aurora3)
    source, end = servers.rds80.hook, servers.rds84.hook
    assert heartbeat.seen(end, "m") == 0
    heartbeat.install(source)
    executed = source.executed()
    heartbeat.install(source)
    assert source.executed() == executed
    assert heartbeat.seen(source, "m") == 0
    assert heartbeat.lag_seconds(source, end, "m") is None
    assert [heartbeat.beat(source, "m") for _ in range(3)] == [1, 2, 3]
    assert heartbeat.beat(source, "other") == 1
    assert heartbeat.wait_seen(end, "m", 3, seconds=10)
    assert heartbeat.lag_seconds(source, end, "m") == 0.0


def test_a_replica_that_stands_still_lags(servers: Servers) -> None:
    servers.follow(servers.aurora3, servers.rds80)
    source, replica = servers.rds80.hook, servers.aurora3.hook
    heartbeat.install(source)
    heartbeat.wait_seen(replica, "m", heartbeat.beat(source, "m"), 10)
    servers.aurora3.root("STOP REPLICA SQL_THREAD")
    number = heartbeat.beat(source, "m")
    time.sleep(1)
    lag = heartbeat.lag_seconds(source, replica, "m")
    assert lag is not None
    assert lag >= 1
    assert not heartbeat.wait_seen(replica, "m", number, 0.3)


def test_concurrent_beats_have_numbers_of_their_own(servers: Servers) -> None:
    heartbeat.install(servers.rds80.hook)
    found: list[int] = []
    each = [threading.Thread(target=lambda: found.append(heartbeat.beat(servers.rds80.hook, "m"))) for _ in range(6)]
    for thread in each:
        thread.start()
    for thread in each:
        thread.join()
    assert sorted(found) == [1, 2, 3, 4, 5, 6]


# -- accounts


@pytest.mark.parametrize("flavour", ["rds80", "aurora3"])
def test_a_locked_writer_is_out_at_once_and_back_in_afterwards(servers: Servers, flavour: str) -> None:
    node: Node = getattr(servers, flavour)
    make_writers(node)
    hook = node.hook
    writers = accounts.accounts(hook, ["app", "batch", "nobody"])
    assert [str(each) for each in writers] == ["'app'@'%'", "'batch'@'%'"]
    with closing(login(node, "app", "pw")) as session, session.cursor() as cursor:
        session.begin()
        cursor.execute("INSERT INTO shop.t VALUES (1)")
        assert accounts.lock(hook, writers) == writers
        assert accounts.lock(hook, writers) == []
        assert accounts.end_sessions(hook, ["app", "batch"]) == 1
        assert accounts.end_sessions(hook, ["app", "batch"]) == 0
        with pytest.raises((pymysql.err.OperationalError, pymysql.err.InterfaceError)):
            cursor.execute("SELECT 1")
    with pytest.raises(pymysql.err.OperationalError, match="locked"):
        login(node, "app", "pw")
    assert hook.value("SELECT COUNT(*) FROM shop.t") == 0
    assert accounts.unlock(hook, writers) == writers
    assert accounts.unlock(hook, writers) == []
    login(node, "app", "pw").close()


def test_names_of_accounts_are_values(servers: Servers) -> None:
    servers.rds80.quietly("CREATE USER %s@'%%' IDENTIFIED BY 'pw'", "it's\\%s")
    hook = servers.rds80.hook
    [account] = accounts.accounts(hook, ["it's\\%s"])
    assert accounts.grants(hook, account)
    assert accounts.lock(hook, [account]) == [account]
    assert accounts.accounts(hook, ["it's\\%s"])[0].locked


def test_accounts_of_two_servers_are_compared(servers: Servers) -> None:
    make_writers(servers.rds80)
    make_writers(servers.rds84)
    # caching_sha2_password salts: the same password differs unless its hash is carried over.
    for user in ("app", "batch"):
        created = servers.rds80.server.value(f"SELECT HEX(authentication_string) FROM mysql.user WHERE user = '{user}'")
        plugin = servers.rds80.server.value(f"SELECT plugin FROM mysql.user WHERE user = '{user}'")
        servers.rds84.quietly(f"ALTER USER {user}@'%' IDENTIFIED WITH {plugin} AS 0x{created}")
    here, there = (accounts.read(node.hook, ["app", "batch"]) for node in (servers.rds80, servers.rds84))
    assert accounts.differences(here, there) == []
    servers.rds84.quietly("REVOKE INSERT ON shop.* FROM app@'%'")
    servers.rds84.quietly("GRANT DELETE ON shop.t TO app@'%'")
    servers.rds84.quietly("ALTER USER batch@'%' IDENTIFIED BY 'other' REQUIRE SSL")
    servers.rds84.quietly("CREATE USER batch@'10.%' IDENTIFIED BY 'pw'")
    there = accounts.read(servers.rds84.hook, ["app", "batch"])
    told = [f"{each.account} {each.what}" for each in accounts.differences(here, there)]
    assert told == [
        "'batch'@'10.%' is on target and not on source",
        "'app'@'%' source grants INSERT ON `shop`.*, target does not",
        "'app'@'%' target grants DELETE ON `shop`.`t`, source does not",
        "'batch'@'%' has another password on source than on target (or the same with another salt)",
        "'batch'@'%' needs TLS NONE on source and ANY on target",
    ]
    assert accounts.grants(servers.rds80.hook, Account("nobody", "%")) == ()


# -- events


def test_events_are_switched_one_by_one_and_keep_their_definer(servers: Servers) -> None:
    node, hook = servers.rds80, servers.rds80.hook
    node.quietly("CREATE DATABASE shop")
    for name, status in (("on %d", "ENABLE"), ("off", "DISABLE"), ("replicated", "DISABLE ON SLAVE")):
        if node.server.build.version >= "9":
            status = status.replace("SLAVE", "REPLICA")
        with node.server.root() as connection, connection.cursor() as cursor:
            cursor.execute("SET sql_log_bin = 0")
            cursor.execute(f"CREATE DEFINER = admin@'%' EVENT shop.`{name}` ON SCHEDULE EVERY 1 DAY {status} DO DO 1")
    [on] = events.enabled_events(hook)
    assert (on.schema, on.name, on.definer) == ("shop", "on %d", "admin@%")
    assert events.disable(hook, [on]) == [on]
    assert events.disable(hook, [on]) == []
    assert events.enabled_events(hook) == []
    wanted = [Event("shop", "on %d"), Event("shop", "replicated"), Event("shop", "gone")]
    assert [each.name for each in events.enable(hook, wanted)] == ["on %d", "replicated"]
    assert {each.name for each in events.enabled_events(hook)} == {"on %d", "replicated"}
    assert {each.definer for each in events.events(hook)} == {"admin@%"}


def test_an_event_of_another_definer_is_not_taken_over(servers: Servers) -> None:
    make_writers(servers.rds80)
    servers.rds80.quietly("CREATE DEFINER = app@'%' EVENT shop.e ON SCHEDULE EVERY 1 DAY DO DO 1")
    hook = servers.rds80.hook
    with pytest.raises(Refused, match="SET_USER_ID"):
        events.disable(hook, events.enabled_events(hook))
    assert [each.definer for each in events.enabled_events(hook)] == ["app@%"]
    modern = servers.rds80.server.build.version >= "9"
    privilege = "SET_ANY_DEFINER" if modern else "SET_USER_ID"
    servers.rds80.quietly(f"GRANT {privilege} ON *.* TO admin@'%'")
    try:
        assert len(events.disable(hook, events.enabled_events(hook))) == 1
        assert [each.definer for each in events.events(hook)] == ["app@%"]
    finally:
        servers.rds80.quietly(f"REVOKE {privilege} ON *.* FROM admin@'%'")


# -- transactions


def test_open_transactions_are_told_with_how_long_they_are_idle(servers: Servers) -> None:
    make_writers(servers.rds80)
    hook = servers.rds80.hook
    assert transactions.open_transactions(hook) == []
    with closing(login(servers.rds80, "app", "pw")) as session, session.cursor() as cursor:
        session.begin()
        cursor.execute("INSERT INTO shop.t VALUES (1), (2)")
        time.sleep(2.2)
        [found] = transactions.open_transactions(hook)
        assert (found.user, found.modified, found.thread) == ("app", 2, session.thread_id())
        assert found.seconds >= 1
        assert found.idle_seconds >= 1
        assert transactions.idle([found], 0.5) == [found]
        assert transactions.idle([found], 60) == []
        assert transactions.long([found], 0.5) == [found]
        session.rollback()
    assert transactions.open_transactions(hook) == []


def test_a_transaction_just_begun_is_seen_while_a_monitor_reads_the_list(servers: Servers) -> None:
    make_writers(servers.rds80)
    done = threading.Event()

    def monitor() -> None:
        with servers.rds80.server.root() as connection, connection.cursor() as cursor:
            while not done.wait(0.05):
                cursor.execute("SELECT COUNT(*) FROM information_schema.innodb_trx")

    reader = threading.Thread(target=monitor)
    reader.start()
    try:
        with closing(login(servers.rds80, "app", "pw")) as session, session.cursor() as cursor:
            session.begin()
            cursor.execute("INSERT INTO shop.t VALUES (1)")
            timer = threading.Timer(1.0, done.set)
            timer.start()
            assert [each.user for each in transactions.open_transactions(servers.rds80.hook)] == ["app"]
            timer.join()
    finally:
        done.set()
        reader.join()


# -- schemas and settings


def test_schemas_are_checked(servers: Servers) -> None:
    node = servers.rds80
    node.root(
        "CREATE DATABASE shop",
        "CREATE TABLE shop.good (id INT PRIMARY KEY, v VARCHAR(9) COLLATE utf8mb4_bin)",
        "CREATE TABLE shop.keyless (id INT)",
        "CREATE TABLE shop.isam (id INT PRIMARY KEY) ENGINE = MyISAM",
        "CREATE TABLE shop.small (id INT PRIMARY KEY, v VARCHAR(9) COLLATE utf8mb4_general_ci) "
        "ROW_FORMAT = COMPRESSED",
        "CREATE TRIGGER shop.t1 BEFORE INSERT ON shop.good FOR EACH ROW SET NEW.v = 'x'",
        "CREATE DEFINER = gone@'%' VIEW shop.v AS SELECT 1",
    )  # fmt: skip
    found = schema_checks.check_schemas(node.hook, ["shop", "missing"])
    told = {(each.weight, each.check, each.what) for each in found if each.check != "procedures"}
    assert told == {
        ("stop", "schema", "`missing`"),
        ("stop", "primary_key", "`shop`.`keyless`"),
        ("stop", "engine", "`shop`.`isam`"),
        ("stop", "row_format", "`shop`.`small`"),
        ("warn", "collation", "`shop`"),
        ("warn", "triggers", "`shop`.`good`"),
        ("warn", "definer", "`shop`.`v`"),
    }
    assert [each.weight for each in found] == sorted(each.weight for each in found)


def test_settings_of_two_servers_are_compared(servers: Servers) -> None:
    here, there = servers.rds80.hook, servers.rds84.hook
    alike = schema_checks.compare_settings(schema_checks.settings(here), schema_checks.settings(there))
    assert alike == []
    servers.rds84.root("SET GLOBAL sql_mode = 'ANSI'", "SET GLOBAL max_allowed_packet = 1048576")
    try:
        found = schema_checks.compare_settings(schema_checks.settings(here), schema_checks.settings(there))
    finally:
        servers.rds84.root("SET GLOBAL sql_mode = DEFAULT", "SET GLOBAL max_allowed_packet = DEFAULT")
    assert [(each.weight, each.what) for each in found] == [("warn", "max_allowed_packet"), ("stop", "sql_mode")]
