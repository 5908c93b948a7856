-- RDS for MySQL 8.4: `_master` names and `_source` names; what Aurora alone has is dropped.
USE mysql;
DROP PROCEDURE rds_gtid_purged;
DROP PROCEDURE rds_assign_gtids_to_anonymous_transactions;
DROP PROCEDURE rds_set_read_only;
