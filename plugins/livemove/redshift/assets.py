"""Assets: what other DAGs schedule on."""

from __future__ import annotations

from urllib.parse import quote

from airflow.sdk import Asset


def table_asset(sync: str, table: str) -> Asset:
    """The asset of one table of one sync; it is updated when the table's changes are merged.

    :param sync: name of the file in `include/sync`, without `.yaml`.
    :param table: name of the table in the source.

    Example::

        with DAG("reports", schedule=[table_asset("shop", "orders")]): ...
    """
    return Asset(name=f"redshift_sync/{sync}/{table}", uri=f"livemove://redshift_sync/{quote(sync)}/{quote(table)}")
