"""MySQL servers that behave as RDS and Aurora do: the procedures, the roles, a writer and its reader."""
