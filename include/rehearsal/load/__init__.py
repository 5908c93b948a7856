"""A writer that stands for an application: 8 connections, every acknowledged write logged outside the database.

It keeps one rule that a careful application keeps: a write whose acknowledgement was lost is written again, under
the same id, only after looking whether it is there. So whatever `audit` finds lost or duplicated was lost or
duplicated by the databases or by what moved them.

`python -m rehearsal.load --help` says how it is used; `rehearsal.load.process.Load` runs it from a test.
"""
