-- What the stand-in remembers itself, in a schema of its own. No keys are declared here: see 20_keys.sql.
SET allow_system_table_mods = on;
SET standard_conforming_strings = on;

CREATE SCHEMA rs;
GRANT USAGE ON SCHEMA rs TO PUBLIC;

-- Distribution and sort keys, which PostgreSQL does not have.
CREATE TABLE rs.layout (relid oid NOT NULL, style text NOT NULL, sorting text NOT NULL);
CREATE UNIQUE INDEX ON rs.layout (relid);

-- Changes of tables since the beginning; only added to by writers, so that no two of them meet in a row.
CREATE TABLE rs.activity (
    relid oid NOT NULL,
    stored bigint NOT NULL,    -- rows in the table, deleted ones included
    deleted bigint NOT NULL,   -- rows that are marked as deleted
    unsorted bigint NOT NULL,  -- rows outside the sorted region
    modified bigint NOT NULL   -- rows changed since ANALYZE
);
CREATE INDEX ON rs.activity (relid);

CREATE TABLE rs.options (capacity_mb bigint);
INSERT INTO rs.options VALUES (NULL);

CREATE TABLE rs.late_views (view text NOT NULL, definition text NOT NULL, owner text, acl aclitem[]);

CREATE TABLE rs.load_errors (
    userid integer, tbl oid, starttime timestamp, session integer, query integer, filename text, line_number bigint,
    colname text, type text, col_length text, position integer, raw_line text, raw_field_value text,
    err_code integer, err_reason text, slice integer DEFAULT 0
);

CREATE TABLE rs.vacuums (
    userid integer, query integer, relid oid, schema_name text, table_name text, vacuum_type text, status text,
    start_time timestamp, end_time timestamp, rows_before bigint, reclaimed_rows bigint,
    sorted_before bigint, sorted_after bigint, size_before bigint, size_after bigint
);

CREATE SEQUENCE rs.query_id START 1000;

CREATE FUNCTION rs.raise(message text, code text, detail text, hint text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = message, ERRCODE = code, DETAIL = detail, HINT = hint;
END $$;

CREATE FUNCTION rs.next_query() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT nextval('rs.query_id') $$;

-- A table that CREATE TABLE IF NOT EXISTS has found keeps what it had.
CREATE FUNCTION rs.note_table(rel regclass, style text, distribution text, sorting text) RETURNS void
LANGUAGE sql SECURITY DEFINER AS $$
    INSERT INTO rs.layout VALUES (rel, style, sorting) ON CONFLICT (relid) DO NOTHING
$$;

CREATE FUNCTION rs.change_layout(rel regclass, what text, value text) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
    UPDATE rs.layout SET style = CASE what WHEN 'style' THEN value ELSE style END,
                         sorting = CASE what WHEN 'sorting' THEN value ELSE sorting END
    WHERE relid = rel
$$;

CREATE FUNCTION rs.used_mb() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$
    SELECT (sum(pg_database_size(oid)) / 1048576)::bigint FROM pg_database WHERE datname = current_database()
$$;

-- Free space in bytes; NULL as long as no capacity is set.
CREATE FUNCTION rs.free_bytes() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$
    SELECT capacity_mb * 1048576 - pg_database_size(current_database()) FROM rs.options WHERE capacity_mb IS NOT NULL
$$;

-- Counts what a statement has changed, and tells whether the disk is full now.
CREATE FUNCTION rs.note_write(rel regclass, command text, changed bigint, in_order boolean) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    added bigint := CASE WHEN command IN ('INSERT', 'UPDATE', 'MERGE', 'SELECT', 'COPY') THEN changed ELSE 0 END;
    gone bigint := CASE WHEN command IN ('DELETE', 'UPDATE', 'MERGE') THEN changed ELSE 0 END;
BEGIN
    IF changed > 0 THEN
        INSERT INTO rs.activity VALUES (rel, added, gone, CASE WHEN in_order THEN 0 ELSE added END, changed);
    END IF;
    RETURN added > 0 AND coalesce(rs.free_bytes() < 0, false);
END $$;

CREATE FUNCTION rs.stored_rows(rel oid) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$
    SELECT coalesce(sum(stored), 0)::bigint FROM rs.activity WHERE relid = rel
$$;

CREATE FUNCTION rs.stats_off(rel oid) RETURNS numeric LANGUAGE sql SECURITY DEFINER AS $$
    SELECT least(100, round(100.0 * coalesce(sum(modified), 0) / greatest(coalesce(sum(stored), 0), 1), 2))
    FROM rs.activity WHERE relid = rel
$$;

-- Takes back what a command has put in order. Only adds, as writers do.
CREATE FUNCTION rs.settle(rel oid, reclaimed boolean, in_order boolean, analyzed boolean) RETURNS void
LANGUAGE sql SECURITY DEFINER AS $$
    INSERT INTO rs.activity
    SELECT rel, CASE WHEN reclaimed THEN -sum(deleted) ELSE 0 END, CASE WHEN reclaimed THEN -sum(deleted) ELSE 0 END,
           CASE WHEN in_order THEN -sum(unsorted) ELSE 0 END, CASE WHEN analyzed THEN -sum(modified) ELSE 0 END
    FROM rs.activity WHERE relid = rel HAVING count(*) > 0
$$;

CREATE FUNCTION rs.settle_all_analyzed() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
    SELECT rs.settle(relid, false, false, true) FROM (SELECT DISTINCT relid FROM rs.activity) AS known
$$;

CREATE FUNCTION rs.forget_rows(rel oid) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
    INSERT INTO rs.activity SELECT rel, -sum(stored), -sum(deleted), -sum(unsorted), -sum(modified)
    FROM rs.activity WHERE relid = rel HAVING count(*) > 0
$$;

-- Replaces a table's changes by their sum.
CREATE FUNCTION rs.compact(rel oid) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
    WITH gone AS (DELETE FROM rs.activity WHERE relid = rel RETURNING *)
    INSERT INTO rs.activity SELECT rel, sum(stored), sum(deleted), sum(unsorted), sum(modified)
    FROM gone HAVING count(*) > 0
$$;

-- Run at each start: forgets what belonged to tables that are gone.
CREATE FUNCTION rs.tidy() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    rel oid;
BEGIN
    DELETE FROM rs.layout WHERE relid NOT IN (SELECT oid FROM pg_class);
    DELETE FROM rs.activity WHERE relid NOT IN (SELECT oid FROM pg_class);
    FOR rel IN SELECT relid FROM rs.activity GROUP BY relid HAVING count(*) > 1 LOOP
        PERFORM rs.compact(rel);
    END LOOP;
END $$;

-- For tests: how large the warehouse's disk is; NULL for one that is large enough.
CREATE SCHEMA rehearsal;
GRANT USAGE ON SCHEMA rehearsal TO PUBLIC;
CREATE FUNCTION rehearsal.set_capacity_mb(megabytes integer) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
    UPDATE rs.options SET capacity_mb = megabytes
$$;
