-- VARCHAR(n) and CHAR(n) count bytes of UTF-8 (Developer Guide, "Character types"): an assignment takes longer values
-- only if blanks are what is too long, and an explicit cast cuts. PostgreSQL counts characters in the function that
-- it calls for such a cast, so the cast gets a function of ours. COPY checks lengths itself.

CREATE FUNCTION rs.cut(value text, bytes integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    short text := left(value, bytes);
BEGIN
    WHILE octet_length(short) > bytes LOOP
        short := left(short, -1);
    END LOOP;
    RETURN short;
END $$;

CREATE FUNCTION rs.fit(value text, bytes integer, explicit boolean, type_name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    short text := rs.cut(value, bytes);
BEGIN
    IF NOT explicit AND btrim(substr(value, length(short) + 1), ' ') <> '' THEN
        RAISE EXCEPTION USING ERRCODE = '22001', MESSAGE = format('value too long for type %s(%s)', type_name, bytes);
    END IF;
    RETURN short;
END $$;

-- Inlined by the planner, so that values that fit cost next to nothing. The type modifier is the length plus 4.
CREATE FUNCTION rs.to_varchar(varchar, integer, boolean) RETURNS varchar LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN octet_length($1) <= $2 - 4 THEN $1
                ELSE rs.fit($1, $2 - 4, $3, 'character varying')::varchar END
$$;

CREATE FUNCTION rs.to_char(bpchar, integer, boolean) RETURNS bpchar LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN octet_length($1) = $2 - 4 THEN $1
                ELSE rpad(rs.fit($1::text, $2 - 4, $3, 'character'), $2 - 4)::bpchar END
$$;

UPDATE pg_cast SET castfunc = 'rs.to_varchar(varchar, integer, boolean)'::regprocedure
WHERE castsource = 'varchar'::regtype AND casttarget = 'varchar'::regtype;
UPDATE pg_cast SET castfunc = 'rs.to_char(bpchar, integer, boolean)'::regprocedure
WHERE castsource = 'bpchar'::regtype AND casttarget = 'bpchar'::regtype;

CREATE FUNCTION rs.check_enlarge(rel regclass, col text, length integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    present record;
BEGIN
    SELECT atttypid, atttypmod - 4 AS length INTO present FROM pg_attribute
    WHERE attrelid = rel AND attname = col AND NOT attisdropped;
    IF present.atttypid IS NULL THEN
        PERFORM rs.raise(format('column "%s" of relation "%s" does not exist', col, rel), '42703', '', '');
    ELSIF present.atttypid <> 'varchar'::regtype THEN
        PERFORM rs.raise(format('ALTER COLUMN TYPE: column "%s" is no VARCHAR column', col), '0A000', '', '');
    ELSIF length < present.length THEN
        PERFORM rs.raise(format('ALTER COLUMN TYPE: column "%s" cannot become smaller than %s', col, present.length),
                         '0A000', '', '');
    END IF;
END $$;
