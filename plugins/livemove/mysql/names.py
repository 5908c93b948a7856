"""Names and accounts as MySQL's statements take them."""

from __future__ import annotations


def quoted(*parts: str) -> str:
    """Return a quoted name: `` `shop`.`orders` ``."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)
