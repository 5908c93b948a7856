"""Redshift's SQL: read it, refuse what Redshift refuses, and put the rest into PostgreSQL's words."""
