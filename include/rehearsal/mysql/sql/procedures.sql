-- The union of the replication procedures of RDS for MySQL and Aurora MySQL; the file of each flavour then
-- drops what it does not have. Names, argument order and messages: RDS User Guide and Aurora User Guide,
-- "MySQL stored procedure reference". Their definer can do what the master user may not.
USE mysql;

DELIMITER //
-- ON, OFF, BROKEN or NOT_EXIST, for the default channel. Works with performance_schema = OFF, too.
CREATE DEFINER=rdsadmin@localhost FUNCTION rdslocal_state() RETURNS varchar(10) READS SQL DATA
RETURN (SELECT COALESCE(MAX(CASE WHEN c.service_state = 'ON' AND a.service_state = 'ON' THEN 'ON'
                                 WHEN c.service_state = 'OFF' AND a.service_state = 'OFF' THEN 'OFF'
                                 ELSE 'BROKEN' END), 'NOT_EXIST')
          FROM performance_schema.replication_connection_status c
          JOIN performance_schema.replication_applier_status a USING (channel_name)
         WHERE channel_name = '')//

-- Where an instance was upgraded over many years, the collations of the two sides differ: error 1267. The
-- rehearsal changes the column's collation to provoke it.
CREATE DEFINER=rdsadmin@localhost FUNCTION rdslocal_setting_of(wanted varchar(40) CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci)
RETURNS varchar(100) READS SQL DATA
RETURN (SELECT value FROM mysql.rdslocal_setting WHERE wanted = name)//

CREATE DEFINER=rdsadmin@localhost PROCEDURE rdslocal_fail(IN message text)
BEGIN
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = message;
END//

-- CHANGE REPLICATION SOURCE and its kin take no variables, hence the text.
CREATE DEFINER=rdsadmin@localhost PROCEDURE rdslocal_run(IN statement_text text)
BEGIN
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN SET @rdslocal_statement = NULL; RESIGNAL; END;
  SET @rdslocal_statement = statement_text;
  PREPARE rdslocal_prepared FROM @rdslocal_statement;
  -- The text may hold a password, and user variables can be read by the session.
  SET @rdslocal_statement = NULL;
  EXECUTE rdslocal_prepared;
  DEALLOCATE PREPARE rdslocal_prepared;
END//

-- RDS records every call, outside the binary log.
CREATE DEFINER=rdsadmin@localhost PROCEDURE rdslocal_record(IN what varchar(40))
BEGIN
  DECLARE logged int DEFAULT @@sql_log_bin;
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN SET sql_log_bin = logged; RESIGNAL; END;
  SET sql_log_bin = 0;
  INSERT INTO mysql.rds_history (called_by_user, action, mysql_version) VALUES (user(), what, version());
  INSERT INTO mysql.rds_replication_status (called_by_user, action, mysql_version) VALUES (user(), what, version());
  COMMIT;
  SET sql_log_bin = logged;
END//

CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_show_configuration()
BEGIN
  SELECT name, value, description FROM mysql.rds_configuration;
END//

CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_set_configuration(IN name varchar(30), IN value int)
BEGIN
  DECLARE logged int DEFAULT @@sql_log_bin;
  DECLARE highest int DEFAULT mysql.rdslocal_setting_of('max retention hours');
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN SET sql_log_bin = logged; RESIGNAL; END;
  IF NOT EXISTS (SELECT 1 FROM mysql.rds_configuration c WHERE c.name = name) THEN
    CALL mysql.rdslocal_fail(CONCAT('Cannot set unknown configuration parameter ', QUOTE(name), ' using mysql.rds_set_configuration.'));
  END IF;
  IF name = 'binlog retention hours' AND value NOT BETWEEN 1 AND highest THEN
    CALL mysql.rdslocal_fail(CONCAT('For binlog retention hours the value must be between 1 and ', highest, ' inclusive or be NULL'));
  END IF;
  IF name IN ('source delay', 'target delay') AND (value IS NULL OR value NOT BETWEEN 0 AND 86400) THEN
    CALL mysql.rdslocal_fail(CONCAT('For ', name, ' the value must be between 0 and 86400 inclusive'));
  END IF;
  SET sql_log_bin = 0;
  UPDATE mysql.rds_configuration c SET c.value = value WHERE c.name = name;
  COMMIT;
  SET sql_log_bin = logged;
  IF name = 'binlog retention hours' AND value IS NOT NULL THEN
    CALL mysql.rdslocal_run(CONCAT('SET GLOBAL binlog_expire_logs_seconds = ', value * 3600));
  END IF;
END//

CREATE DEFINER=rdsadmin@localhost PROCEDURE rdslocal_require_stopped()
BEGIN
  IF mysql.rdslocal_setting_of('managed replica') = '1' THEN
    CALL mysql.rdslocal_fail('Permission Denied: This instance is a RDS Read Replica.');
  END IF;
  IF mysql.rdslocal_state() IN ('ON', 'BROKEN') THEN
    CALL mysql.rdslocal_fail('You can''t modify replication because replication is running. First call mysql.rds_stop_replication.');
  END IF;
END//

-- A log file of NULL asks for GTID auto-position.
CREATE DEFINER=rdsadmin@localhost PROCEDURE rdslocal_set_source(IN host varchar(255), IN port int, IN user text,
  IN password text, IN log_file varchar(255), IN log_position bigint, IN ssl_encryption tinyint(1), IN delay int)
BEGIN
  IF delay NOT BETWEEN 0 AND 86400 THEN
    CALL mysql.rdslocal_fail('For source delay the value must be between 0 and 86400 inclusive.');
  END IF;
  CALL mysql.rdslocal_require_stopped();
  CALL mysql.rdslocal_record(IF(log_file IS NULL, 'set master with AP', 'set master'));
  -- No GET_SOURCE_PUBLIC_KEY, as on RDS: a caching_sha2_password user needs ssl_encryption = 1.
  CALL mysql.rdslocal_run(CONCAT('CHANGE REPLICATION SOURCE TO SOURCE_HOST = ', QUOTE(TRIM(host)), ', SOURCE_PORT = ', port,
    ', SOURCE_USER = ', QUOTE(TRIM(user)), ', SOURCE_PASSWORD = ', QUOTE(TRIM(password)), ', SOURCE_SSL = ', ssl_encryption,
    ', SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 86400, SOURCE_DELAY = ', delay,
    IF(log_file IS NULL, ', SOURCE_AUTO_POSITION = 1',
       CONCAT(', SOURCE_AUTO_POSITION = 0, SOURCE_LOG_FILE = ', QUOTE(TRIM(log_file)), ', SOURCE_LOG_POS = ', log_position))));
END//

-- RDS warns where a name of the older kind is used (seen on RDS for MySQL 8.0).
CREATE DEFINER=rdsadmin@localhost PROCEDURE rdslocal_deprecated(IN newer varchar(64))
BEGIN
  DECLARE warning text DEFAULT CONCAT('This procedure is deprecated. Use mysql.', newer, ' instead.');
  SIGNAL SQLSTATE '01000' SET MYSQL_ERRNO = 1287, MESSAGE_TEXT = warning;
END//

CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_set_external_master(IN host varchar(255), IN port int, IN user text,
  IN passwd text, IN name text, IN pos bigint, IN enable_ssl_encryption tinyint(1))
BEGIN CALL mysql.rdslocal_set_source(host, port, user, passwd, name, pos, enable_ssl_encryption, 0); CALL mysql.rdslocal_deprecated('rds_set_external_source'); END//
CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_set_external_source(IN host varchar(255), IN port int, IN user text,
  IN passwd text, IN name text, IN pos bigint, IN enable_ssl_encryption tinyint(1))
BEGIN CALL mysql.rdslocal_set_source(host, port, user, passwd, name, pos, enable_ssl_encryption, 0); END//
CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_set_external_master_with_delay(IN host varchar(255), IN port int,
  IN user text, IN passwd text, IN name text, IN pos bigint, IN enable_ssl_encryption tinyint(1), IN delay int)
BEGIN CALL mysql.rdslocal_set_source(host, port, user, passwd, name, pos, enable_ssl_encryption, delay); CALL mysql.rdslocal_deprecated('rds_set_external_source_with_delay'); END//
CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_set_external_source_with_delay(IN host varchar(255), IN port int,
  IN user text, IN passwd text, IN name text, IN pos bigint, IN enable_ssl_encryption tinyint(1), IN delay int)
BEGIN CALL mysql.rdslocal_set_source(host, port, user, passwd, name, pos, enable_ssl_encryption, delay); END//
-- Six arguments on RDS; Aurora has five (no delay), see aurora3.sql.
CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_set_external_master_with_auto_position(IN host varchar(255), IN port int,
  IN user text, IN passwd text, IN enable_ssl_encryption tinyint(1), IN delay int)
BEGIN CALL mysql.rdslocal_set_source(host, port, user, passwd, NULL, NULL, enable_ssl_encryption, delay); CALL mysql.rdslocal_deprecated('rds_set_external_source_with_auto_position'); END//
CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_set_external_source_with_auto_position(IN host varchar(255), IN port int,
  IN user text, IN passwd text, IN enable_ssl_encryption tinyint(1), IN delay int)
BEGIN CALL mysql.rdslocal_set_source(host, port, user, passwd, NULL, NULL, enable_ssl_encryption, delay); END//

CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_set_source_delay(IN delay int)
BEGIN
  IF delay IS NULL OR delay NOT BETWEEN 0 AND 86400 THEN
    CALL mysql.rdslocal_fail('For source delay the value must be between 0 and 86400 inclusive.');
  END IF;
  CALL mysql.rdslocal_run('STOP REPLICA SQL_THREAD');
  CALL mysql.rdslocal_run(CONCAT('CHANGE REPLICATION SOURCE TO SOURCE_DELAY = ', delay));
  CALL mysql.rdslocal_run('START REPLICA SQL_THREAD');
  SELECT CONCAT('source delay is set successfully.') AS Message;
END//

-- Starts replication, too.
CREATE DEFINER=rdsadmin@localhost PROCEDURE rdslocal_auto_position(IN auto_position_mode tinyint(1))
BEGIN
  IF mysql.rdslocal_state() IN ('ON', 'BROKEN') THEN CALL mysql.rdslocal_run('STOP REPLICA'); END IF;
  CALL mysql.rdslocal_run(CONCAT('CHANGE REPLICATION SOURCE TO SOURCE_AUTO_POSITION = ', auto_position_mode));
  CALL mysql.rdslocal_run('START REPLICA');
  SELECT CONCAT('Master Auto Position has been set to ', auto_position_mode, '.') AS Message;
  SELECT 'Slave is running normally' AS Message;
END//
CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_set_master_auto_position(IN auto_position_mode tinyint(1))
BEGIN CALL mysql.rdslocal_auto_position(auto_position_mode); CALL mysql.rdslocal_deprecated('rds_set_source_auto_position'); END//
CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_set_source_auto_position(IN auto_position_mode tinyint(1))
BEGIN CALL mysql.rdslocal_auto_position(auto_position_mode); END//

CREATE DEFINER=rdsadmin@localhost PROCEDURE rdslocal_await_start()
BEGIN
  DECLARE looks int DEFAULT 0;
  DECLARE pause double DEFAULT mysql.rdslocal_setting_of('settle seconds');
  REPEAT
    DO SLEEP(pause);
    SET looks = looks + 1;
  UNTIL mysql.rdslocal_state() = 'ON' OR looks >= 7 END REPEAT;
  -- A thread may start and stop at once, as when the source has purged what is needed.
  DO SLEEP(pause);
END//
CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_start_replication()
BEGIN
  CASE mysql.rdslocal_state()
    WHEN 'NOT_EXIST' THEN CALL mysql.rdslocal_fail('You can''t start replication because the replica isn''t configured. First call mysql.rds_set_external_master.');
    WHEN 'OFF' THEN
      CALL mysql.rdslocal_run('START REPLICA');
      CALL mysql.rdslocal_await_start();
      CALL mysql.rdslocal_record('start slave');
      IF mysql.rdslocal_state() = 'ON' THEN
        SELECT 'Replication started. Slave is now running normally.' AS Message;
      ELSEIF mysql.rdslocal_setting_of('start failure') = 'row' THEN
        SELECT 'Replica has encountered an error. Run SHOW REPLICA STATUS; to see the error.' AS Message;
      ELSE
        CALL mysql.rdslocal_fail('Slave has encountered an error. Run SHOW SLAVE STATUS\\G; to see the error.');
      END IF;
    ELSE CALL mysql.rdslocal_fail('Replication may already be running. Call rds_stop_replication to stop replication');
  END CASE;
END//

CREATE DEFINER=rdsadmin@localhost PROCEDURE rdslocal_start_until(IN condition_text text)
BEGIN
  IF mysql.rdslocal_state() <> 'OFF' THEN
    CALL mysql.rdslocal_fail('Replication may already be running. Call rds_stop_replication to stop replication');
  END IF;
  IF @@global.replica_parallel_workers > 1 THEN
    CALL mysql.rdslocal_fail('Rds_start_replication_until cannot be used while replica_parallel_workers is greater than 1.');
  END IF;
  CALL mysql.rdslocal_run(CONCAT('START REPLICA UNTIL ', condition_text));
  SELECT CONCAT('Replication started until ', condition_text) AS Message;
END//
CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_start_replication_until(IN replication_log_file text, IN replication_stop_point bigint)
BEGIN
  CALL mysql.rdslocal_start_until(CONCAT('SOURCE_LOG_FILE = ', QUOTE(replication_log_file), ', SOURCE_LOG_POS = ', replication_stop_point));
END//
CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_start_replication_until_gtid(IN gtid text)
BEGIN
  CALL mysql.rdslocal_start_until(CONCAT('SQL_AFTER_GTIDS = ', QUOTE(gtid)));
END//

CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_stop_replication()
BEGIN
  IF mysql.rdslocal_state() IN ('OFF', 'NOT_EXIST') THEN
    CALL mysql.rdslocal_fail('Slave is already stopped or may not be configured. Run SHOW SLAVE STATUS\\G;');
  END IF;
  CALL mysql.rdslocal_run('STOP REPLICA');
  CALL mysql.rdslocal_record('stop slave');
  SELECT 'Slave is now down or disabled' AS Message;
END//

CREATE DEFINER=rdsadmin@localhost PROCEDURE rdslocal_reset()
BEGIN
  DECLARE state varchar(10) DEFAULT mysql.rdslocal_state();
  IF state = 'NOT_EXIST' THEN
    CALL mysql.rdslocal_fail('You can''t reset replication because replication isn''t configured. First run mysql.rds_set_external_master.');
  END IF;
  IF state <> 'OFF' THEN CALL mysql.rdslocal_run('STOP REPLICA'); END IF;
  CALL mysql.rdslocal_run('RESET REPLICA ALL');
  CALL mysql.rdslocal_record('reset slave');
  SELECT 'Slave has been reset' AS Message;
END//
CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_reset_external_master()
BEGIN CALL mysql.rdslocal_reset(); CALL mysql.rdslocal_deprecated('rds_reset_external_source'); END//
CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_reset_external_source()
BEGIN CALL mysql.rdslocal_reset(); END//

-- Does nothing under GTID auto-position, as on RDS.
CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_skip_repl_error()
BEGIN
  CASE mysql.rdslocal_state()
    WHEN 'NOT_EXIST' THEN CALL mysql.rdslocal_fail('You can''t skip a replication error because the replica isn''t configured. First call mysql.rds_set_external_master.');
    WHEN 'ON' THEN CALL mysql.rdslocal_fail('Slave is running normally.  No errors detected to skip.');
    WHEN 'OFF' THEN CALL mysql.rdslocal_fail('Slave is down or disabled.');
    ELSE
      SET GLOBAL sql_replica_skip_counter = 1;
      CALL mysql.rdslocal_run('STOP REPLICA');
      CALL mysql.rdslocal_run('START REPLICA');
      CALL mysql.rdslocal_await_start();
      SELECT 'Statement in error has been skipped' AS Message;
      IF mysql.rdslocal_state() = 'ON' THEN
        SELECT 'Slave is now running normally' AS Message;
      ELSE
        CALL mysql.rdslocal_fail('Slave has encountered a new error. Please use SHOW SLAVE STATUS to see the error.');
      END IF;
  END CASE;
END//

-- RDS's own body commits an empty transaction with sql_log_bin = OFF, and its GTID then counts as executed and
-- purged: the next replica in a chain misses it. The community server binlogs such a transaction in spite of
-- sql_log_bin, so the same effect is had through gtid_purged.
CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_skip_transaction_with_gtid(IN gtid_to_skip text)
BEGIN
  -- The server itself refuses what is no single GTID (1774).
  SET GTID_NEXT = gtid_to_skip;
  ROLLBACK;
  SET GTID_NEXT = 'AUTOMATIC';
  IF NOT GTID_SUBSET(gtid_to_skip, @@global.gtid_executed) THEN
    CALL mysql.rdslocal_run(CONCAT('SET GLOBAL gtid_purged = ', QUOTE(CONCAT('+', gtid_to_skip))));
  END IF;
  CALL mysql.rdslocal_record('skip transaction');
  SELECT 'Transaction has been skipped successfully.' AS Message;
END//

CREATE DEFINER=rdsadmin@localhost PROCEDURE rdslocal_next_log(IN current_log int)
BEGIN
  IF mysql.rdslocal_state() NOT IN ('BROKEN', 'OFF') THEN
    CALL mysql.rdslocal_fail('Slave is running normally.  No errors detected to skip.');
  END IF;
  IF mysql.rdslocal_state() = 'BROKEN' THEN CALL mysql.rdslocal_run('STOP REPLICA'); END IF;
  CALL mysql.rdslocal_run(CONCAT('CHANGE REPLICATION SOURCE TO SOURCE_AUTO_POSITION = 0, SOURCE_LOG_FILE = ',
    QUOTE(CONCAT('mysql-bin-changelog.', LPAD(current_log + 1, 6, '0'))), ', SOURCE_LOG_POS = 4'));
  CALL mysql.rdslocal_run('START REPLICA');
  SELECT 'Master Log Position has been set to start of next log' AS Message;
END//
CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_next_master_log(IN curr_master_log int)
BEGIN CALL mysql.rdslocal_next_log(curr_master_log); CALL mysql.rdslocal_deprecated('rds_next_source_log'); END//
CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_next_source_log(IN curr_source_log int)
BEGIN CALL mysql.rdslocal_next_log(curr_source_log); END//

CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_gtid_purged(IN gtid_set text)
BEGIN CALL mysql.rdslocal_run(CONCAT('SET GLOBAL gtid_purged = ', QUOTE(gtid_set))); END//

CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_set_external_source_gtid_purged(IN server_uuid varchar(36), IN start_pos bigint, IN end_pos bigint)
BEGIN
  IF mysql.rdslocal_state() IN ('ON', 'BROKEN') THEN
    CALL mysql.rdslocal_fail('You can''t modify gtid_purged because replication is already running.');
  END IF;
  CALL mysql.rdslocal_run(CONCAT('SET GLOBAL gtid_purged = ', QUOTE(CONCAT('+', server_uuid, ':', start_pos, '-', end_pos))));
END//

CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_assign_gtids_to_anonymous_transactions(IN gtid_option text)
BEGIN
  CALL mysql.rdslocal_require_stopped();
  CALL mysql.rdslocal_run(CONCAT('CHANGE REPLICATION SOURCE TO ASSIGN_GTIDS_TO_ANONYMOUS_TRANSACTIONS = ',
    IF(UPPER(gtid_option) IN ('OFF', 'LOCAL'), UPPER(gtid_option), QUOTE(gtid_option))));
END//

CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_set_read_only(IN mode tinyint(1))
BEGIN
  CALL mysql.rdslocal_run(CONCAT('SET GLOBAL read_only = ', mode));
END//

CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_kill(IN process_id bigint)
BEGIN CALL mysql.rdslocal_run(CONCAT('KILL ', process_id)); END//
CREATE DEFINER=rdsadmin@localhost PROCEDURE rds_kill_query(IN process_id bigint)
BEGIN CALL mysql.rdslocal_run(CONCAT('KILL QUERY ', process_id)); END//
DELIMITER ;
