-- What the migration's runbooks need, on the source, before migration_prepare; the other three inherit it. Replace the
-- names in <…>. The fence locks accounts and ends sessions, and RDS's procedures want the master user: so the
-- connection mysql_admin is the master user, which has all of this. Run this to see that it has, and for another user.

-- 1. mysql_admin.
-- Accounts are compared, locked and carried over; SHOW GRANTS and SHOW CREATE USER read the schema mysql.
GRANT CREATE USER, RELOAD, PROCESS, REPLICATION CLIENT, REPLICATION SLAVE, EVENT, TRIGGER, SHOW DATABASES
  ON *.* TO '<admin>'@'<CIDR of the workers>' WITH GRANT OPTION;
GRANT SELECT ON mysql.* TO '<admin>'@'<CIDR of the workers>';
-- Procedures mysql.rds_…, among them rds_kill, rds_set_configuration, rds_start_replication.
GRANT EXECUTE ON mysql.* TO '<admin>'@'<CIDR of the workers>';
-- Heartbeat, journal, ledger of GTIDs, checksums.
GRANT ALL PRIVILEGES ON livemove.* TO '<admin>'@'<CIDR of the workers>';
-- Rows are read for checksums; events are switched.
GRANT SELECT ON `<schema>`.* TO '<admin>'@'<CIDR of the workers>';

-- 2. mysql_replication: migration_prepare makes it like this, unless it is there. A caching_sha2_password user
-- replicates over TLS only, as without it the link breaks when the source restarts.
CREATE USER '<replication>'@'<CIDR of the databases>' IDENTIFIED BY '<password>' REQUIRE SSL;
GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO '<replication>'@'<CIDR of the databases>';
