-- What redshift_sync needs, and no more. Replace the names in <…>; run the first part on the Aurora
-- writer as the master user, the second in Redshift as a superuser.

-- 1. MySQL: one user, used for writer and reader.
CREATE USER '<sync>'@'<CIDR of the workers>' IDENTIFIED BY '<password>' REQUIRE SSL;
GRANT SELECT ON `<database>`.* TO '<sync>'@'<CIDR of the workers>';
-- PROCESS shows open transactions, which bound what may be read.
GRANT PROCESS ON *.* TO '<sync>'@'<CIDR of the workers>';
-- Tells whether the writer is itself a replica.
GRANT SELECT ON performance_schema.replication_connection_configuration TO '<sync>'@'<CIDR of the workers>';
-- The heartbeat that shows how far a reader is behind; needed with reader_conn_id only.
CREATE DATABASE IF NOT EXISTS livemove;
CREATE TABLE IF NOT EXISTS livemove.heartbeat (name VARCHAR(128) NOT NULL PRIMARY KEY, beat DATETIME(6) NOT NULL);
GRANT SELECT, INSERT, UPDATE ON livemove.heartbeat TO '<sync>'@'<CIDR of the workers>';

-- 2. Redshift: the user owns the schemas that it fills, as VACUUM and RENAME need the owner.
CREATE USER <sync> PASSWORD '<password>';
GRANT CREATE, TEMPORARY ON DATABASE <database> TO <sync>;
CREATE SCHEMA IF NOT EXISTS livemove AUTHORIZATION <sync>;
CREATE SCHEMA IF NOT EXISTS <schema> AUTHORIZATION <sync>;
-- Free disk (stv_partitions) and table health (svv_table_info) of a provisioned cluster.
ALTER USER <sync> SYSLOG ACCESS UNRESTRICTED;
GRANT SELECT ON svv_table_info TO <sync>;
-- COPY reads S3 with a role that is attached to the cluster (include/iam/redshift_copy.json).
GRANT ASSUMEROLE ON '<ARN of the role>' TO <sync> FOR COPY;
