"""The files and arguments that one node is started with."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from rehearsal.files import write_atomically
from rehearsal.unprivileged import hand_over

# Further options of the Java machine, such as -Xmx1g; of two that contradict each other, the later one holds.
OPTIONS_VARIABLE = "LIVEMOVE_ELASTICSEARCH_OPTIONS"
FOLDERS = ("config", "data", "logs", "snapshots", "tmp")
# What bin/elasticsearch passes (org.elasticsearch.tools.launchers.SystemJvmOptions, config/jvm.options). The script
# itself starts two more Java machines to find them out, which takes as long as the server.
JAVA_OPTIONS = (
    "-XX:+UseG1GC",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-OmitStackTraceInFastThrow",
    "-Xss1m",
    "-Des.networkaddress.cache.ttl=60",
    "-Des.networkaddress.cache.negative.ttl=10",
    "-Djava.awt.headless=true",
    "-Dfile.encoding=UTF-8",
    "-Djna.nosys=true",
    "-Dio.netty.noUnsafe=true",
    "-Dio.netty.noKeySetOptimization=true",
    "-Dio.netty.recycler.maxCapacityPerThread=0",
    "-Dlog4j.shutdownHookEnabled=false",
    "-Dlog4j2.disable.jmx=true",
    "-Dlog4j2.formatMsgNoLookups=true",
    "-Djava.locale.providers=SPI,COMPAT",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "-Djava.security.manager=allow",
)


def prepare(folder: Path, program: Path, settings: Mapping[str, object]) -> None:
    """Make a node's folders and write its settings.

    :param folder: the node's own.
    :param program: the unpacked Elasticsearch.
    :param settings: of elasticsearch.yml, beside those that every node here has.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in FOLDERS:
        (folder / name).mkdir(exist_ok=True)
        hand_over(folder / name)
    for name in ("log4j2.properties", "jvm.options"):
        shutil.copyfile(program / "config" / name, folder / "config" / name)
    everything = {
        "cluster.name": "livemove",
        "node.name": "node-1",
        "discovery.type": "single-node",
        "network.host": "127.0.0.1",
        "path.data": str(folder / "data"),
        "path.logs": str(folder / "logs"),
        "path.repo": [str(folder / "snapshots")],
        "xpack.security.enabled": False,
        # A drill can switch it on; a developer's disk is often fuller than a server may have it.
        "cluster.routing.allocation.disk.threshold_enabled": False,
        **settings,
    }
    # JSON is YAML, too.
    lines = "".join(f"{json.dumps(name)}: {json.dumps(value)}\n" for name, value in everything.items())
    write_atomically(folder / "config" / "elasticsearch.yml", lines)


def command(java: Path, program: Path, folder: Path, heap_mb: int) -> list[str]:
    """The words that run the node in the foreground.

    :param heap_mb: of the Java machine, in MiB; the process takes about 250 MB more.
    """
    return [
        str(java),
        *JAVA_OPTIONS,
        f"-Xms{heap_mb}m",
        f"-Xmx{heap_mb}m",
        *os.environ.get(OPTIONS_VARIABLE, "").split(),
        f"-Djava.io.tmpdir={folder / 'tmp'}",
        f"-XX:ErrorFile={folder / 'logs' / 'hs_err_pid%p.log'}",
        f"-Des.path.home={program}",
        f"-Des.path.conf={folder / 'config'}",
        "-Des.distribution.flavor=default",
        "-Des.distribution.type=zip",
        "-Des.bundled_jdk=false",
        "-cp",
        f"{program / 'lib'}/*",
        "org.elasticsearch.bootstrap.Elasticsearch",
    ]
