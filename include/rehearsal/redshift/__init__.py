"""A stand-in for Amazon Redshift: PostgreSQL behind a server that speaks Redshift's protocol and dialect.

`README.md` in this folder says what is imitated, what is not, and from which manual page each behaviour is
known.
"""
