-- RDS for MySQL 8.0: `_master` names only; what Aurora alone has is dropped.
USE mysql;
DROP PROCEDURE rds_set_external_source;
DROP PROCEDURE rds_set_external_source_with_delay;
DROP PROCEDURE rds_set_external_source_with_auto_position;
DROP PROCEDURE rds_set_source_auto_position;
DROP PROCEDURE rds_next_source_log;
DROP PROCEDURE rds_reset_external_source;
DROP PROCEDURE rds_gtid_purged;
DROP PROCEDURE rds_assign_gtids_to_anonymous_transactions;
DROP PROCEDURE rds_set_read_only;
