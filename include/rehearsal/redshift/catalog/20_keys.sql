-- Keys are declared and shown, but not enforced (Developer Guide, "Defining table constraints").
-- PostgreSQL keeps the constraint, so that every catalog shows it; its index is taken out of service.

CREATE FUNCTION rs.quiet_keys() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    rel regclass;
BEGIN
    UPDATE pg_index SET indisunique = false, indisready = false, indisvalid = false
    WHERE indexrelid IN (SELECT conindid FROM pg_constraint WHERE contype IN ('p', 'u') AND conrelid >= 16384)
      AND (indisunique OR indisready OR indisvalid);
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
