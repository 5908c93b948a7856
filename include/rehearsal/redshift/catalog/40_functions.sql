-- Functions of Redshift that PostgreSQL does not have.

CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), '
           'Redshift 1.0.99999'::text
$$;

-- The start of the statement in whole seconds, in the session's time zone; SYSDATE is the transaction's, in µs.
CREATE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE AS $$
    SELECT date_trunc('second', statement_timestamp())::timestamp
$$;
CREATE FUNCTION pg_catalog.sysdate() RETURNS timestamp LANGUAGE sql STABLE AS $$ SELECT now()::timestamp $$;

CREATE FUNCTION pg_catalog.pg_last_copy_count() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('rehearsal.last_copy_count', true), ''), '0')::bigint
$$;
CREATE FUNCTION pg_catalog.pg_last_copy_id() RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('rehearsal.last_copy_id', true), ''), '-1')::integer
$$;

CREATE FUNCTION pg_catalog.len(text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT length($1) $$;
CREATE FUNCTION pg_catalog.sha1(text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    PERFORM rs.raise('SHA1 is not imitated by the stand-in: use MD5 or SHA2', '0A000', '', '');
END $$;
CREATE FUNCTION pg_catalog.sha2(value text, bits integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT encode(CASE bits WHEN 224 THEN sha224(convert_to(value, 'UTF8')) WHEN 384 THEN sha384(convert_to(value, 'UTF8'))
                            WHEN 512 THEN sha512(convert_to(value, 'UTF8')) ELSE sha256(convert_to(value, 'UTF8')) END, 'hex')
$$;
CREATE FUNCTION pg_catalog.strtol(digits text, base integer) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    result bigint := 0;
    digit integer;
BEGIN
    FOR i IN 1..length(digits) LOOP
        digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', lower(substr(digits, i, 1))) - 1;
        IF digit < 0 OR digit >= base THEN
            PERFORM rs.raise(format('The input %s is not valid to be converted to base %s', digits, base), '22023', '', '');
        END IF;
        result := result * base + digit;
    END LOOP;
    RETURN result;
END $$;

CREATE FUNCTION pg_catalog.dateadd(part text, amount bigint, moment timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT moment + (amount || ' ' || part)::interval $$;
CREATE FUNCTION pg_catalog.datediff(part text, first timestamp, last timestamp) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    unit text := lower(rtrim(part, 's'));
    first_month bigint := extract(year FROM first) * 12 + extract(month FROM first) - 1;
    last_month bigint := extract(year FROM last) * 12 + extract(month FROM last) - 1;
BEGIN
    CASE
        WHEN unit IN ('year', 'yr') THEN RETURN last_month / 12 - first_month / 12;
        WHEN unit IN ('quarter', 'qtr') THEN RETURN last_month / 3 - first_month / 3;
        WHEN unit IN ('month', 'mon') THEN RETURN last_month - first_month;
        WHEN unit = 'week' THEN RETURN (date_trunc('week', last)::date - date_trunc('week', first)::date) / 7;
        WHEN unit IN ('day', 'd') THEN RETURN last::date - first::date;
        WHEN unit IN ('hour', 'minute', 'second', 'min', 'sec', 'hr', 'h', 'm') THEN
            unit := CASE unit WHEN 'hr' THEN 'hour' WHEN 'h' THEN 'hour' WHEN 'min' THEN 'minute' WHEN 'm' THEN 'minute'
                              WHEN 'sec' THEN 'second' ELSE unit END;
            RETURN extract(epoch FROM date_trunc(unit, last) - date_trunc(unit, first))
                   / CASE unit WHEN 'hour' THEN 3600 WHEN 'minute' THEN 60 ELSE 1 END;
        WHEN unit IN ('millisecond', 'ms') THEN RETURN trunc(extract(epoch FROM last - first) * 1000);
        WHEN unit IN ('microsecond', 'us', 'u') THEN RETURN trunc(extract(epoch FROM last - first) * 1000000);
    END CASE;
END $$;
CREATE FUNCTION pg_catalog.convert_timezone(source text, target text, moment timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT moment AT TIME ZONE source AT TIME ZONE target $$;
CREATE FUNCTION pg_catalog.convert_timezone(target text, moment timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT moment AT TIME ZONE 'UTC' AT TIME ZONE target $$;

-- SUPER
CREATE FUNCTION pg_catalog.json_parse(text) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1::jsonb $$;
CREATE FUNCTION pg_catalog.json_serialize(jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1::text $$;
CREATE FUNCTION pg_catalog.json_size(jsonb) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT octet_length($1::text) $$;
CREATE FUNCTION pg_catalog.is_valid_json(text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1 IS JSON $$;

-- VARBYTE
CREATE FUNCTION pg_catalog.to_varbyte(value text, form text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN lower(form) IN ('utf8', 'utf-8') THEN convert_to(value, 'UTF8') ELSE decode(value, form) END
$$;
CREATE FUNCTION pg_catalog.from_varbyte(value bytea, form text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN lower(form) IN ('utf8', 'utf-8') THEN convert_from(value, 'UTF8') ELSE encode(value, form) END
$$;
CREATE FUNCTION pg_catalog.from_hex(text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT decode($1, 'hex') $$;
CREATE FUNCTION pg_catalog.to_hex(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT encode($1, 'hex') $$;
