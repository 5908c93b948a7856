-- Accounts and tables that RDS and Aurora have on every instance. Loaded once, into a template, by a session
-- with sql_log_bin = 0: nothing of this is in the binary log, and gtid_executed stays empty.

-- RDS owns its procedures through rdsadmin@localhost, which cannot log in.
CREATE USER rdsadmin@localhost IDENTIFIED BY RANDOM PASSWORD ACCOUNT LOCK;
GRANT ALL ON *.* TO rdsadmin@localhost WITH GRANT OPTION;

-- The master user: no SUPER, no REPLICATION_SLAVE_ADMIN, no SESSION_VARIABLES_ADMIN (RDS User Guide,
-- "Master user account privileges"). Its password is set by each stack.
CREATE USER admin@'%' IDENTIFIED WITH @authentication@ BY 'set by the stack';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES,
  CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW,
  CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER ON *.* TO admin@'%' WITH GRANT OPTION;
GRANT ROLE_ADMIN, XA_RECOVER_ADMIN ON *.* TO admin@'%' WITH GRANT OPTION;

-- Managed replication (a reader of its writer) logs in as this user.
CREATE USER rdsrepladmin@'%' IDENTIFIED BY 'set by the stack';
GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO rdsrepladmin@'%';

CREATE TABLE mysql.rds_configuration (
  name varchar(100) NOT NULL PRIMARY KEY, value varchar(100), description varchar(300) NOT NULL);
INSERT INTO mysql.rds_configuration VALUES
  ('binlog retention hours', NULL, 'binlog retention hours specifies the duration in hours before binary logs are automatically deleted.'),
  ('source delay', '0', 'source delay specifies replication delay in seconds between current instance and its master.'),
  ('target delay', '0', 'target delay specifies replication delay in seconds between current instance and its future read-replica.');

CREATE TABLE mysql.rds_heartbeat2 (id int NOT NULL PRIMARY KEY, value bigint);

CREATE TABLE mysql.rds_history (
  action_timestamp timestamp NULL DEFAULT CURRENT_TIMESTAMP, called_by_user varchar(352), action varchar(40),
  mysql_version varchar(50), master_host varchar(255), master_port int, master_user varchar(100),
  master_log_file varchar(50), master_log_pos bigint, master_ssl tinyint, auto_position tinyint);

CREATE TABLE mysql.rds_replication_status (
  action_timestamp timestamp NULL DEFAULT CURRENT_TIMESTAMP, called_by_user varchar(352), action varchar(40),
  mysql_version varchar(50), master_host varchar(255), master_port int);

-- The stand-in's own switches, which no real instance has:
--   max retention hours   168 on RDS, 2160 on Aurora
--   settle seconds        how long rds_start_replication watches before it judges (about 3 s on RDS)
--   start failure         'error' (1644) or 'row': how a failed start is reported varies by version
--   managed replica       '1' on a replica that RDS itself manages: external replication is refused
CREATE TABLE mysql.rdslocal_setting (
  name varchar(40) CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci NOT NULL PRIMARY KEY, value varchar(100));
INSERT INTO mysql.rdslocal_setting VALUES
  ('max retention hours', '168'), ('settle seconds', '0.3'), ('start failure', 'error'), ('managed replica', '0');
