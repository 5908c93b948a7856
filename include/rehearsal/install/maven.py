"""Fetching artifacts from Maven Central, through whatever mirror the host's settings name."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import escape

from rehearsal.errors import RehearsalError
from rehearsal.install.apt import install_on_host
from rehearsal.install.commands import run

# Chains of the set-up run side by side, and neither apt-get nor Maven's local repository bears two at a time.
_MAVEN = threading.Lock()
# One project for all of them, as each run of Maven takes seconds to start.
_PROJECT = """\
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>livemove</groupId>
  <artifactId>downloads</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <build>
    <plugins>
      <plugin>
        <artifactId>maven-dependency-plugin</artifactId>
        <configuration>
          <outputDirectory>{folder}</outputDirectory>
          <artifactItems>{items}</artifactItems>
        </configuration>
      </plugin>
    </plugins>
  </build>
</project>
"""
_ITEM = """
<artifactItem>
  <groupId>{artifact.group}</groupId>
  <artifactId>{artifact.name}</artifactId>
  <version>{artifact.version}</version>
  <type>{artifact.kind}</type>
</artifactItem>"""


@dataclass(frozen=True)
class Artifact:
    """One file of Maven Central."""

    group: str
    name: str
    version: str
    kind: str = "jar"

    @classmethod
    def parse(cls, text: str) -> Artifact:
        """Read `group:name:version`, or `group:name:version:type` for what is no jar."""
        return cls(*text.split(":"))

    @property
    def file(self) -> str:
        """The name that the file is saved under."""
        return f"{self.name}-{self.version}.{self.kind}"


def fetch(artifacts: Mapping[str, str], folder: Path) -> list[Path]:
    """The files of artifacts, in their order, downloaded unless they are there already.

    :param artifacts: `group:name:version`, or `group:name:version:type`, with the SHA-256 of the content.
    :param folder: where downloads are kept.
    :raises RehearsalError: Maven is missing and this is not root, or what came is not what was expected.
    """
    wanted = {Artifact.parse(text): sha256 for text, sha256 in artifacts.items()}
    missing = [artifact for artifact, sha256 in wanted.items() if _sha256(folder / artifact.file) != sha256]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        with _MAVEN:
            _copy(missing, folder)
    for artifact in missing:
        if _sha256(folder / artifact.file) != wanted[artifact]:
            (folder / artifact.file).unlink(missing_ok=True)
            raise RehearsalError(f"{artifact.file} came with another content than expected; run this again.")
    return [folder / artifact.file for artifact in wanted]


def _copy(artifacts: list[Artifact], folder: Path) -> None:
    if not shutil.which("mvn"):
        install_on_host(["maven", "default-jre-headless"], "Maven, which fetches servers from Maven Central")
    items = "".join(_ITEM.format(artifact=artifact) for artifact in artifacts)
    with TemporaryDirectory(prefix="livemove-") as scratch:
        project = Path(scratch) / "pom.xml"
        project.write_text(_PROJECT.format(folder=escape(str(folder)), items=items), encoding="utf-8")
        run(
            ["mvn", "-q", "-B", "-f", project, "dependency:copy"],
            f"Fetching {', '.join(artifact.name for artifact in artifacts)} with Maven",
            remedy="Check the network and Maven's settings.xml, then run this again.",
        )


def _sha256(path: Path) -> str | None:
    total = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
    except FileNotFoundError:
        return None
    return total.hexdigest()
