-- Late binding views (CREATE VIEW ... WITH NO SCHEMA BINDING) follow names, not tables: before a statement that drops
-- or renames something they are dropped, and afterwards made again wherever their definitions hold.

CREATE FUNCTION rs.late_name(view text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN view ~ '^"[^"]*"$' THEN quote_ident(current_schema()) || '.' || view ELSE view END
$$;

CREATE FUNCTION rs.drop_late_view(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE rs.late_views SET owner = pg_get_userbyid(relowner), acl = relacl FROM pg_class
    WHERE view = name AND pg_class.oid = to_regclass(name);
    EXECUTE 'DROP VIEW IF EXISTS ' || name;
EXCEPTION WHEN dependent_objects_still_exist THEN
    NULL;
END $$;

CREATE FUNCTION rs.keep_view(name text, body text, creator text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM rs.drop_late_view(name) FROM rs.late_views WHERE view = name;
    IF EXISTS (SELECT FROM rs.late_views WHERE view = name) THEN
        UPDATE rs.late_views SET definition = body WHERE view = name;
    ELSE
        INSERT INTO rs.late_views VALUES (name, body, creator, NULL);
    END IF;
END $$;
CREATE FUNCTION rs.note_view(view text, body text) RETURNS void LANGUAGE sql AS $$
    SELECT rs.keep_view(rs.late_name(view), body, session_user::text)
$$;

CREATE FUNCTION rs.drop_note(name text) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
    DELETE FROM rs.late_views WHERE view = name
$$;
CREATE FUNCTION rs.forget_view(view text) RETURNS void LANGUAGE sql AS $$ SELECT rs.drop_note(rs.late_name(view)) $$;

CREATE FUNCTION rs.unbind_views() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM rs.drop_late_view(view) FROM rs.late_views WHERE to_regclass(view) IS NOT NULL;
END $$;

CREATE FUNCTION rs.bind_views() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    late rs.late_views;
BEGIN
    FOR late IN SELECT * FROM rs.late_views WHERE to_regclass(view) IS NULL LOOP
        BEGIN
            EXECUTE 'CREATE VIEW ' || late.view || ' ' || late.definition;
            EXECUTE format('ALTER VIEW %s OWNER TO %I', late.view, late.owner);
            UPDATE pg_class SET relacl = late.acl WHERE oid = to_regclass(late.view) AND late.acl IS NOT NULL;
        EXCEPTION WHEN undefined_table OR undefined_column OR undefined_function OR invalid_schema_name THEN
            NULL;  -- stays unbound until what it names exists
        END;
    END LOOP;
END $$;
