-- System tables and views of Redshift, each as far as it can be told here (Developer Guide, "System tables reference").

-- The length of a VARBYTE column stands in the name of its CHECK constraint.
CREATE FUNCTION rs.varbyte_length(rel oid, col smallint) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT substring(conname FROM 'varbyte[(]([0-9]+)[)]')::integer FROM pg_constraint
    WHERE conrelid = rel AND contype = 'c' AND conkey = ARRAY[col] AND conname LIKE 'varbyte(%'
$$;

CREATE FUNCTION rs.type_name(type oid, modifier integer, rel oid, col smallint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE type
        WHEN 'jsonb'::regtype THEN 'super'
        WHEN 'bytea'::regtype THEN 'binary varying(' || coalesce(rs.varbyte_length(rel, col), 64000) || ')'
        WHEN 'text'::regtype THEN 'character varying(65535)'
        ELSE format_type(type, modifier) END
$$;

-- information_schema.columns names the two types that PostgreSQL calls otherwise as Redshift does.
DO $$
DECLARE
    listed text;
BEGIN
    EXECUTE 'CREATE VIEW rs.columns AS ' || pg_get_viewdef('information_schema.columns'::regclass);
    SELECT string_agg(CASE attname
        WHEN 'data_type' THEN $c$(CASE data_type WHEN 'jsonb' THEN 'super' WHEN 'bytea' THEN 'binary varying'
            WHEN 'text' THEN 'character varying' ELSE data_type::text END)::information_schema.character_data AS data_type$c$
        WHEN 'character_maximum_length' THEN $c$(CASE data_type
            WHEN 'bytea' THEN coalesce(rs.varbyte_length(format('%I.%I', table_schema, table_name)::regclass,
                                                         ordinal_position::smallint), 64000)
            WHEN 'text' THEN 65535 ELSE character_maximum_length::integer END)::information_schema.cardinal_number
            AS character_maximum_length$c$
        ELSE quote_ident(attname) END, ', ' ORDER BY attnum) INTO listed
    FROM pg_attribute WHERE attrelid = 'information_schema.columns'::regclass AND attnum > 0;
    EXECUTE 'CREATE OR REPLACE VIEW information_schema.columns AS SELECT ' || listed || ' FROM rs.columns '
            || $c$WHERE table_schema::text NOT IN ('rs', 'rehearsal')$c$;
END $$;

-- Tables of users, without what belongs to the stand-in.
CREATE VIEW rs.relations AS
SELECT c.oid, n.nspname, c.relname, c.relkind, c.relowner, c.relacl
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid >= 16384 AND n.nspname NOT IN ('rs', 'rehearsal', 'pg_catalog', 'information_schema')
  AND n.nspname !~ '^pg_(toast|temp)';

CREATE VIEW rs.totals AS
SELECT relid, sum(stored)::bigint AS stored, sum(deleted)::bigint AS deleted, sum(unsorted)::bigint AS unsorted,
       sum(modified)::bigint AS modified
FROM rs.activity GROUP BY relid;

-- VACUUM

-- The tables that VACUUM works on; no table means all of them.
CREATE FUNCTION rs.vacuum_tables(rel regclass)
RETURNS TABLE (table_id oid, name text, short text, allowed boolean) LANGUAGE sql STABLE AS $$
    SELECT c.oid, format('%I.%I', n.nspname, c.relname), c.relname::text,
           pg_has_role(c.relowner, 'USAGE') OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't'
      AND (c.oid = rel OR (rel IS NULL AND c.oid IN (SELECT oid FROM rs.relations)))
$$;

CREATE FUNCTION rs.vacuum_state(rel oid)
RETURNS TABLE (stored bigint, deleted bigint, unsorted bigint, sortable boolean) LANGUAGE sql STABLE AS $$
    SELECT coalesce(t.stored, 0), coalesce(t.deleted, 0), coalesce(t.unsorted, 0), coalesce(l.sorting, '') <> ''
    FROM (SELECT rel AS relid) AS one LEFT JOIN rs.totals t USING (relid) LEFT JOIN rs.layout l USING (relid)
$$;

CREATE FUNCTION rs.vacuum_begins(rel oid, form text, rows bigint, in_order bigint) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO rs.vacuums
    SELECT 100, rs.next_query(), rel, n.nspname, c.relname, form, 'Running', clock_timestamp(), NULL, rows, 0, in_order,
           in_order, pg_total_relation_size(rel) / 1048576
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = rel RETURNING query
$$;

CREATE FUNCTION rs.vacuum_ends(number bigint, outcome text, reclaimed bigint, in_order bigint) RETURNS void
LANGUAGE sql AS $$
    UPDATE rs.vacuums SET status = outcome, end_time = clock_timestamp(), reclaimed_rows = reclaimed,
                          sorted_after = in_order, size_after = pg_total_relation_size(relid) / 1048576
    WHERE query = number
$$;

CREATE FUNCTION rs.capacity_mb() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$
    SELECT coalesce(capacity_mb, 190633) FROM rs.options
$$;

CREATE VIEW pg_catalog.svv_table_info AS
SELECT current_database()::text AS database, r.nspname::text AS schema, r.oid AS table_id, r.relname::text AS "table",
       'Y, AUTO(ENCODE)'::text AS encoded,
       CASE coalesce(l.style, 'AUTO') WHEN 'AUTO' THEN 'AUTO(ALL)' ELSE l.style END AS diststyle,
       CASE WHEN coalesce(l.sorting, '') = '' THEN 'AUTO(SORTKEY)' ELSE split_part(l.sorting, ',', 1) END AS sortkey1,
       (SELECT max(atttypmod - 4) FROM pg_attribute
        WHERE attrelid = r.oid AND atttypid = 'varchar'::regtype AND NOT attisdropped)::integer AS max_varchar,
       'none'::text AS sortkey1_enc,
       CASE WHEN coalesce(l.sorting, '') = '' THEN 0 ELSE cardinality(string_to_array(l.sorting, ',')) END AS sortkey_num,
       greatest(1, pg_total_relation_size(r.oid) / 1048576) AS size,
       round(100.0 * pg_total_relation_size(r.oid) / 1048576 / rs.capacity_mb(), 4) AS pct_used,
       0::bigint AS empty,
       CASE WHEN coalesce(l.sorting, '') = '' THEN NULL ELSE least(100, round(100.0 * t.unsorted / t.stored, 2)) END AS unsorted,
       rs.stats_off(r.oid) AS stats_off,
       t.stored::numeric AS tbl_rows,
       NULL::numeric AS skew_sortkey1, 1.00::numeric AS skew_rows,
       (t.stored - t.deleted)::numeric AS estimated_visible_rows, NULL::text AS risk_event,
       CASE WHEN coalesce(l.sorting, '') = '' THEN NULL ELSE least(100, round(100.0 * t.unsorted / t.stored, 2)) END
           AS vacuum_sort_benefit,
       NULL::timestamp AS create_time
FROM rs.relations r JOIN rs.totals t ON t.relid = r.oid LEFT JOIN rs.layout l ON l.relid = r.oid
WHERE r.relkind = 'r' AND t.stored > 0
  AND (SELECT rolsuper FROM pg_roles WHERE rolname = current_user);

CREATE VIEW pg_catalog.stv_partitions AS
SELECT 0 AS owner, 0 AS host, 0 AS diskno, 0::bigint AS part_begin, rs.capacity_mb() * 1048576 AS part_end,
       rs.used_mb()::integer AS used, 0 AS tossed, rs.capacity_mb()::integer AS capacity, 0::bigint AS reads,
       0::bigint AS writes, 0 AS seek_forward, 0 AS seek_back, 0 AS is_san, 0 AS failed, 0 AS mbps,
       '/dev/rehearsal'::text AS mount;

CREATE VIEW pg_catalog.stv_node_storage_capacity AS
SELECT 0 AS node, rs.used_mb()::integer AS used, rs.capacity_mb()::integer AS capacity;

CREATE VIEW pg_catalog.stl_load_errors AS
SELECT userid, slice, tbl::integer AS tbl, starttime, session, query, filename::char(256) AS filename, line_number,
       colname::char(127) AS colname, type::char(10) AS type, col_length::char(10) AS col_length, position,
       raw_line::char(1024) AS raw_line, raw_field_value::char(1024) AS raw_field_value, err_code,
       err_reason::char(100) AS err_reason
FROM rs.load_errors;

CREATE VIEW pg_catalog.sys_load_error_detail AS
SELECT userid AS user_id, query::bigint AS query_id, 0::bigint AS transaction_id, session AS session_id,
       current_database()::text AS database_name, tbl::integer AS table_id, starttime AS start_time,
       filename AS file_name, line_number, colname AS column_name, type AS column_type, col_length AS column_length,
       position, err_code AS error_code, err_reason AS error_message
FROM rs.load_errors;

CREATE VIEW pg_catalog.sys_vacuum_history AS
SELECT userid AS user_id, 0::bigint AS transaction_id, query::bigint AS query_id, current_database()::text AS database_name,
       schema_name, table_name, relid::integer AS table_id, vacuum_type, false AS is_automatic, status, start_time,
       end_time, end_time AS record_time, extract(epoch FROM end_time - start_time) * 1000000 AS duration,
       rows_before AS rows_before_vacuum, size_before AS size_before_vacuum, reclaimed_rows AS reclaimable_rows,
       reclaimed_rows, size_before - size_after AS reclaimed_blocks, sorted_before AS sortedrows_before_vacuum,
       sorted_after AS sortedrows_after_vacuum
FROM rs.vacuums;

CREATE VIEW pg_catalog.stl_vacuum AS
SELECT userid, query::bigint AS xid, relid::integer AS table_id, 'Started'::text AS status, rows_before AS rows,
       sorted_before AS sortedrows, size_before AS blocks, start_time AS eventtime FROM rs.vacuums
UNION ALL
SELECT userid, query, relid::integer, CASE WHEN status LIKE 'Skipped%' THEN status ELSE 'Finished' END,
       rows_before - reclaimed_rows, sorted_after, size_after, end_time FROM rs.vacuums WHERE end_time IS NOT NULL;

CREATE VIEW pg_catalog.svv_vacuum_progress AS
SELECT table_name, CASE WHEN end_time IS NULL THEN 'Vacuum: in progress' ELSE 'Complete' END AS status,
       NULL::text AS time_remaining_estimate
FROM rs.vacuums ORDER BY start_time DESC LIMIT 1;

-- Not over information_schema.columns: each new session would read and plan its many joins, for 20 ms.
CREATE VIEW pg_catalog.svv_columns AS
SELECT current_database()::text AS table_catalog, n.nspname::text AS table_schema, c.relname::text AS table_name,
       a.attname::text AS column_name, a.attnum::integer AS ordinal_position,
       pg_get_expr(d.adbin, d.adrelid)::text AS column_default,
       CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END AS is_nullable,
       CASE a.atttypid WHEN 'jsonb'::regtype THEN 'super' WHEN 'bytea'::regtype THEN 'binary varying'
            WHEN 'text'::regtype THEN 'character varying' ELSE format_type(a.atttypid, NULL) END AS data_type,
       CASE a.atttypid WHEN 'bytea'::regtype THEN coalesce(rs.varbyte_length(c.oid, a.attnum), 64000)
            WHEN 'text'::regtype THEN 65535
            ELSE information_schema._pg_char_max_length(a.atttypid, a.atttypmod) END AS character_maximum_length,
       information_schema._pg_numeric_precision(a.atttypid, a.atttypmod) AS numeric_precision,
       information_schema._pg_numeric_precision_radix(a.atttypid, a.atttypmod) AS numeric_precision_radix,
       information_schema._pg_numeric_scale(a.atttypid, a.atttypmod) AS numeric_scale,
       information_schema._pg_datetime_precision(a.atttypid, a.atttypmod) AS datetime_precision,
       NULL::text AS interval_type, NULL::text AS interval_precision, NULL::text AS character_set_catalog,
       NULL::text AS character_set_schema, NULL::text AS character_set_name, NULL::text AS collation_catalog,
       NULL::text AS collation_schema, NULL::text AS collation_name, NULL::text AS domain_name, NULL::text AS remarks
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname NOT IN ('rs', 'rehearsal')
  AND NOT pg_is_other_temp_schema(n.oid)
  AND (pg_has_role(c.relowner, 'USAGE')
       OR has_column_privilege(c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES'));

CREATE VIEW pg_catalog.svv_tables AS
SELECT current_database()::text AS table_catalog, nspname::text AS table_schema, relname::text AS table_name,
       CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'BASE TABLE' END AS table_type, NULL::text AS remarks
FROM rs.relations WHERE relkind IN ('r', 'v', 'm');

CREATE VIEW pg_catalog.pg_table_def AS
SELECT n.nspname AS schemaname, c.relname AS tablename, a.attname AS "column",
       rs.type_name(a.atttypid, a.atttypmod, c.oid, a.attnum) AS type, 'none'::text AS encoding,
       coalesce(l.style = 'KEY(' || a.attname || ')', false) AS distkey,
       coalesce(array_position(string_to_array(l.sorting, ','), a.attname::text), 0) AS sortkey, a.attnotnull AS "notnull"
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
     LEFT JOIN rs.layout l ON l.relid = c.oid
WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND pg_table_is_visible(c.oid)
  AND n.nspname = ANY (current_schemas(true)) AND n.nspname NOT IN ('rs', 'rehearsal');

CREATE VIEW pg_catalog.svv_relation_privileges AS
SELECT r.nspname::text AS namespace_name, r.relname::text AS relation_name, p.privilege_type::text,
       p.grantee::integer AS identity_id,
       CASE WHEN p.grantee = 0 THEN 'public' ELSE pg_get_userbyid(p.grantee)::text END AS identity_name,
       CASE WHEN p.grantee = 0 THEN 'public' WHEN u.rolcanlogin THEN 'user' ELSE 'group' END AS identity_type,
       p.is_grantable AS admin_option
FROM rs.relations r
     CROSS JOIN LATERAL aclexplode(coalesce(r.relacl, acldefault('r', r.relowner))) p
     LEFT JOIN pg_roles u ON u.oid = p.grantee
WHERE r.relkind IN ('r', 'v', 'm') AND p.privilege_type <> 'MAINTAIN';

CREATE VIEW pg_catalog.stv_db_isolation_level AS
SELECT d.oid AS db_id, d.datname::text AS db_name,
       CASE WHEN EXISTS (SELECT FROM pg_db_role_setting s WHERE s.setdatabase = d.oid AND s.setrole = 0
                         AND 'default_transaction_isolation=serializable' = ANY (s.setconfig))
            THEN 2 ELSE 1 END AS isolation_level
FROM pg_database d WHERE NOT d.datistemplate;

DO $$
DECLARE
    made regclass;
BEGIN
    FOR made IN SELECT oid FROM pg_class WHERE relkind = 'v' AND oid >= 16384
                AND relnamespace = 'pg_catalog'::regnamespace LOOP
        EXECUTE format('GRANT SELECT ON %s TO PUBLIC', made);
    END LOOP;
END $$;
GRANT SELECT ON information_schema.columns, rs.columns, rs.relations, rs.layout, rs.totals TO PUBLIC;
