-- Aurora MySQL 3: `_source` names only, auto-position with five arguments, 90 days of retention, no heartbeat.
USE mysql;
DROP PROCEDURE rds_set_external_master;
DROP PROCEDURE rds_set_external_master_with_delay;
DROP PROCEDURE rds_set_external_source_with_delay;
DROP PROCEDURE rds_set_external_master_with_auto_position;
DROP PROCEDURE rds_set_external_source_with_auto_position;
DROP PROCEDURE rds_set_master_auto_position;
DROP PROCEDURE rds_reset_external_master;
DROP PROCEDURE rds_next_master_log;
DROP PROCEDURE rds_set_external_source_gtid_purged;
DROP PROCEDURE rds_set_source_delay;
DROP TABLE rds_heartbeat2;
DELETE FROM rds_configuration WHERE name IN ('source delay', 'target delay');
UPDATE rdslocal_setting SET value = '2160' WHERE name = 'max retention hours';
GRANT CONNECTION_ADMIN ON *.* TO admin@'%' WITH GRANT OPTION;

DELIMITER //
CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_set_external_source_with_auto_position(IN host varchar(255), IN port int,
  IN user text, IN passwd text, IN ssl_encryption tinyint(1))
BEGIN CALL mysql.rdslocal_set_source(host, port, user, passwd, NULL, NULL, ssl_encryption, 0); END//
DELIMITER ;
