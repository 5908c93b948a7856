"""The stream processors behind a search index: changes become documents, documents become an index.

`python -m loader transform` and `python -m loader load`, see README.md. No Airflow inside, and nothing of `plugins/`.
"""
