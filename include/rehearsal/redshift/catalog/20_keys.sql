-- Keys are declared and shown, but not enforced (Developer Guide, "Defining table constraints").
-- PostgreSQL keeps the constraint, so that every catalog shows it. Its index is no longer unique; a primary key's
-- stays in service, as Redshift finds rows by key at the cost of reading one column, and PostgreSQL would have to
-- read whole rows. It is taken out of service where a value may be too long for a B-tree, and for UNIQUE.

CREATE FUNCTION rs.short_key(index_oid oid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT bool_and(a.attlen > 0 OR a.atttypid = 'numeric'::regtype) OR
           coalesce(sum(CASE WHEN a.attlen > 0 THEN a.attlen WHEN a.atttypmod > 0 THEN a.atttypmod ELSE 65535 END), 0) < 2000
    FROM pg_attribute a WHERE a.attrelid = index_oid
$$;

CREATE FUNCTION rs.quiet_keys() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    rel regclass;
BEGIN
    UPDATE pg_index SET indisunique = false
    WHERE indexrelid IN (SELECT conindid FROM pg_constraint WHERE contype IN ('p', 'u') AND conrelid >= 16384)
      AND indisunique;
    UPDATE pg_index SET indisready = false, indisvalid = false
    WHERE indexrelid IN (SELECT conindid FROM pg_constraint WHERE conrelid >= 16384
                         AND (contype = 'u' OR contype = 'p' AND NOT rs.short_key(conindid)))
      AND (indisready OR indisvalid);
    FOR rel IN SELECT DISTINCT tgrelid::regclass FROM pg_trigger
               WHERE tgisinternal AND tgconstraint <> 0 AND tgenabled <> 'D' AND tgrelid >= 16384 LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', rel);
    END LOOP;
END $$;

-- A FOREIGN KEY can only be declared while the key that it refers to looks enforced.
CREATE FUNCTION rs.offer_keys() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
    UPDATE pg_index SET indisunique = true, indisready = true, indisvalid = true
    WHERE indexrelid IN (SELECT conindid FROM pg_constraint WHERE contype IN ('p', 'u') AND conrelid >= 16384)
$$;

CREATE FUNCTION rs.after_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM rs.quiet_keys();
END $$;

CREATE EVENT TRIGGER rs_after_ddl ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE TABLE AS', 'SELECT INTO') EXECUTE FUNCTION rs.after_ddl();
