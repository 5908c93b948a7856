"""Engines and versions, and which server stands for each."""

from __future__ import annotations

from dataclasses import dataclass

from rehearsal.rds.wire import ApiError, bad_combination

VERSIONS = {
    "mysql": ("8.0.31", "8.0.36", "8.0.37", "8.4.3", "9.7.0"),
    "aurora-mysql": (
        "8.0.mysql_aurora.3.04.0",
        "8.0.mysql_aurora.3.04.3",
        "8.0.mysql_aurora.3.08.0",
        "8.4.mysql_aurora.8.4.3",
        "9.7.mysql_aurora.9.7.0",
    ),
}


@dataclass(frozen=True)
class Engine:
    """One engine at one version.

    :ivar build: the generation of the server that stands for it: 8.0 is 8.0.31, everything later 9.7.
    :ivar flavour: whose procedures it has.
    """

    name: str
    version: str
    build: str
    flavour: str

    @property
    def aurora(self) -> bool:
        """Whether it is Aurora."""
        return self.name == "aurora-mysql"


def engine(name: str, version: str | None = None) -> Engine:
    """The engine of a name and a version, or of the engine's default version.

    :raises ApiError: there is no such engine or version.
    """
    if name not in VERSIONS:
        raise ApiError("InvalidParameterValue", f"Invalid DB engine: {name}")
    chosen = version or VERSIONS[name][0]
    line = chosen.split(".mysql_aurora.")[0] if name == "aurora-mysql" else ".".join(chosen.split(".")[:2])
    if line not in ("8.0", "8.4", "9.7") or (name == "aurora-mysql" and ".mysql_aurora." not in chosen):
        raise bad_combination(f"Cannot find version {chosen} for {name}")
    build = "8.0.31" if line == "8.0" else "9.7"
    flavour = "aurora3" if name == "aurora-mysql" else "rds80" if line == "8.0" else "rds84"
    return Engine(name, chosen, build, flavour)


def same_line(one: str, other: str) -> bool:
    """Whether two versions are of one generation of MySQL."""
    return one.split(".")[:2] == other.split(".")[:2]
