"""Airflow on this machine: its processes, its REST API, following a run."""
