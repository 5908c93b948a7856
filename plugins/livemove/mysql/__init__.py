"""One MySQL server on RDS or Aurora: GTID sets, replication, its procedures, heartbeat, checks and checksums."""
