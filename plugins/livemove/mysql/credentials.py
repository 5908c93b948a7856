"""A login and its password, which shows itself nowhere."""

from __future__ import annotations

from dataclasses import dataclass, field


class Secret(str):
    """Text that is sent to the server and never shown: `repr` hides it, and the hook strikes it out of errors."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


@dataclass(frozen=True)
class Credentials:
    """The user that a replica logs in to its source as.

    :param login: the user's name.
    :param password: shown in no `repr`.
    """

    login: str
    password: str = field(repr=False)

    @classmethod
    def of(cls, conn_id: str) -> Credentials:
        """Read them from an Airflow connection, whose host is not used.

        :raises NeedsPerson: it has no login or no password.
        """
        from airflow.sdk import BaseHook
        from airflow.sdk.log import mask_secret

        from livemove.runbook.errors import NeedsPerson

        connection = BaseHook.get_connection(conn_id)
        if not connection.login or not connection.password:
            raise NeedsPerson(f"connection {conn_id}: it needs a login and a password, those of the replication user.")
        mask_secret(connection.password)
        return cls(connection.login, connection.password)


def struck_out(text: str, secrets: tuple[str, ...]) -> str:
    """Return a text without secrets, be they as they are or as MySQL's statements quote them."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        doubled = secret.replace("\\", "\\\\")
        for shape in (
            doubled.replace("'", "\\'").replace('"', '\\"'),
            doubled.replace("'", "\\'"),
            doubled.replace("'", "''"),
            secret.replace("'", "''"),
            doubled,
            secret,
        ):
            text = text.replace(shape, "***")
    return text
