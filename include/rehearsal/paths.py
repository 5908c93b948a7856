"""Where things are: the clone, and the one folder that holds all that `./dev` makes."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def state_folder() -> Path:
    """The folder of all that is installed, started and written: $LIVEMOVE_STATE, or `.livemove` here."""
    return Path(os.environ.get("LIVEMOVE_STATE") or REPOSITORY / ".livemove").resolve()


@dataclass(frozen=True)
class Layout:
    """The rooms of one state folder."""

    state: Path

    @classmethod
    def default(cls) -> Layout:
        """The layout of this clone's state folder."""
        return cls(state_folder())

    @property
    def venv(self) -> Path:
        """The project's virtual environment."""
        return self.state / "venv"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.venv / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        """Its packages; made with the interpreter that runs `./dev`."""
        return self.venv / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"

    @property
    def tools(self) -> Path:
        """Servers and libraries that are unpacked, never installed on the host."""
        return self.state / "tools"

    @property
    def downloads(self) -> Path:
        """What was downloaded, kept so that an interrupted set-up resumes."""
        return self.state / "downloads"

    @property
    def stamps(self) -> Path:
        """One small file for each finished step of the set-up."""
        return self.state / "stamps"

    @property
    def cache(self) -> Path:
        """Caches of the checkers."""
        return self.state / "cache"

    @property
    def stacks(self) -> Path:
        """One folder for each stack: `main` is that of `./dev up`, `test` that of the tests."""
        return self.state / "stacks"

    def stack(self, name: str) -> Path:
        """The folder of the stack called `name`."""
        return self.stacks / name

    @property
    def mysql80(self) -> Path:
        """MySQL 8.0.31: `bin/mysqld` and `share`."""
        return self.tools / "mysql-8.0.31"

    @property
    def mysql97(self) -> Path:
        """MySQL 9.7: `bin/mysqld` and `root`."""
        return self.tools / "mysql-9.7"

    @property
    def elasticsearch(self) -> Path:
        """Elasticsearch 7.17: `lib`, `modules` and `config`."""
        return self.tools / "elasticsearch-7.17.29"

    @property
    def kinesalite(self) -> Path:
        """kinesalite: `node_modules`."""
        return self.tools / "kinesalite"

    @property
    def airflow_database(self) -> Path:
        """A migrated, empty SQLite database of Airflow that stacks and tests start from."""
        return self.tools / "airflow" / "airflow.db"
