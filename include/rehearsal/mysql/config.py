"""The option file of one server, with RDS's and Aurora's settings where they matter to runbooks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from rehearsal.mysql.builds import Build

SOCKET = "mysql.sock"


def option_file(
    build: Build,
    folder: Path,
    port: int,
    server_id: int,
    read_only: bool,
    overrides: Mapping[str, str | None] | None = None,
) -> str:
    """The text of `my.cnf`.

    :param folder: the instance's folder; its data is in `data` below it.
    :param read_only: refuse all writes but replication's, as an Aurora reader does.
    :param overrides: options that this server has otherwise; None leaves an option out, "" writes its bare name.
    """
    switch = "ON" if read_only else "OFF"
    options: dict[str, object] = {
        "basedir": build.base,
        "lc_messages_dir": build.share,
        "character_sets_dir": build.share / "charsets",
        "plugin_dir": build.plugins,
        "datadir": folder / "data",
        "tmpdir": folder / "tmp",
        # Relative to datadir, as the path of a socket may not exceed 107 bytes (unix(7)).
        "socket": SOCKET,
        "pid_file": folder / "mysqld.pid",
        "bind_address": "127.0.0.1",
        "port": port,
        "mysqlx": "OFF",
        "skip_name_resolve": "ON",
        "max_connections": 150,
        "server_id": server_id,
        "report_host": "127.0.0.1",
        "report_port": port,
        # RDS User Guide, "MySQL binary logging"; the names of the logs are RDS's own.
        "log_bin": "mysql-bin-changelog",
        "relay_log": "relaylog",
        "relay_log_recovery": "ON",
        "gtid_mode": "ON",
        "enforce_gtid_consistency": "ON",
        "log_replica_updates": "ON",
        "binlog_format": "ROW",
        "binlog_expire_logs_seconds": 86400,
        "event_scheduler": "ON",
        "default_time_zone": "'+00:00'",
        "local_infile": "ON",
        "secure_file_priv": "NULL",
        "read_only": switch,
        "super_read_only": switch,
        # A kill of the process loses nothing that was written to the system's cache, so nothing is synced.
        # The doublewrite buffer stays, as a kill can tear a page in two.
        "sync_binlog": 0,
        "innodb_flush_log_at_trx_commit": 2,
        "innodb_flush_method": "fsync",
        "innodb_use_fdatasync": "ON",
        # The kernel counts asynchronous requests of all servers together (fs.aio-max-nr): 25 servers have them all.
        "innodb_use_native_aio": "OFF",
        # Memory: two servers of about 150 MB when idle.
        "innodb_buffer_pool_size": "192M",
        "innodb_redo_log_capacity": "64M",
        "innodb_log_buffer_size": "4M",
        "innodb_numa_interleave": "OFF",
        "key_buffer_size": "1M",
        "performance_schema": "OFF",
        # RDS caps temporary space, too; without a cap one bad query fills the disk.
        "innodb_temp_data_file_path": "ibtmp1:12M:autoextend:max:2G",
    }
    if os.geteuid() == 0:
        options["user"] = "root"
    options |= overrides or {}
    lines = (
        name if value == "" else f"{name}={_quoted(value)}" for name, value in options.items() if value is not None
    )
    return "[mysqld]\n" + "".join(f"{line}\n" for line in lines)


def _quoted(value: object) -> str:
    """Paths may hold spaces and `#`."""
    return f'"{value}"' if isinstance(value, Path) else str(value)
