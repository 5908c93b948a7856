"""The warehouse: MySQL tables are extracted, staged in S3, merged into Redshift and kept tidy.

Pure core (no Airflow, no I/O): `settings`, `names`, `types`, `plans`, `window`, `statements`, `drift`,
`manifest`, `blocks`, `disk`, `upkeep`. Around it: `source` (MySQL), `lake` (S3), `warehouse`
(Redshift), `extraction`, `loading`, and the thin `operators` and `triggers`.
"""
