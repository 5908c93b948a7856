"""Elasticsearch 7.17.29 from Maven Central, with server-side `_reindex`.

What Elastic publishes there for integration tests has the core, X-Pack's core and security, but no modules. The
module `reindex` is put together from the client library that holds its code. Missing are painless, ILM and
analysis-common, see elasticsearch/README.md.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from rehearsal.files import folder_size
from rehearsal.install.maven import fetch
from rehearsal.paths import Layout
from rehearsal.progress import doing, megabytes

VERSION = "7.17.29"
SERVER = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{VERSION}:zip"
REINDEX = f"org.elasticsearch.plugin:reindex-client:{VERSION}"
REST_CLIENT = f"org.elasticsearch.client:elasticsearch-rest-client:{VERSION}"
ARTIFACTS = {
    SERVER: "841ee00be1a72ba8e707b5a2fb55f23fe7a4184369b4585393238b1c903eedaf",
    REINDEX: "9ab0691ef02cbb7edd71e55fc0df25b1f43aeb5b77fe404091cabef0650bca7b",
    REST_CLIENT: "dc656df490fb548b0a0a9e12613572239bc2532d621d048c09c85059a4f320b6",
}
# What the module needs of X-Pack's libraries; each module has a class loader of its own.
LIBRARIES = (
    f"elasticsearch-ssl-config-{VERSION}",
    "commons-codec-1.15",
    "commons-logging-1.1.3",
    "httpasyncclient-4.1.4",
    "httpclient-4.5.14",
    "httpcore-4.4.12",
    "httpcore-nio-4.4.12",
)
DESCRIPTOR = f"""\
type=isolated
description=Reindex, update by query and delete by query
version={VERSION}
name=reindex
classname=org.elasticsearch.reindex.ReindexPlugin
java.version=1.8
elasticsearch.version={VERSION}
extended.plugins=
has.native.controller=false
"""
POLICY = """\
grant {
  permission java.net.SocketPermission "*", "connect";
};
grant codeBase "${codebase.elasticsearch-rest-client}" {
  permission java.net.NetPermission "getProxySelector";
};
grant codeBase "${codebase.httpasyncclient}" {
  permission java.net.NetPermission "getProxySelector";
};
"""


def install(layout: Layout) -> None:
    """Unpack the server into the state folder; nothing is installed on the host.

    :raises RehearsalError: Maven is missing and this is not root, or what came is not what was expected.
    """
    with doing(f"Elasticsearch {VERSION} (57 MB)") as remarks:
        folder = layout.downloads / f"elasticsearch-{VERSION}"
        server, *jars = fetch(ARTIFACTS, folder)
        scratch = layout.tools / f"elasticsearch-{VERSION}.new"
        shutil.rmtree(scratch, ignore_errors=True)
        with zipfile.ZipFile(server) as archive:
            archive.extractall(scratch)
        home = scratch / f"elasticsearch-{VERSION}"
        _add_reindex(home / "modules", jars)
        shutil.rmtree(layout.elasticsearch, ignore_errors=True)
        home.rename(layout.elasticsearch)
        scratch.rmdir()
        remarks.append(megabytes(folder_size(layout.elasticsearch)) + " unpacked")


def _add_reindex(modules: Path, jars: list[Path]) -> None:
    module = modules / "reindex"
    module.mkdir()
    for jar in [*jars, *(modules / "x-pack-core" / f"{name}.jar" for name in LIBRARIES)]:
        shutil.copyfile(jar, module / jar.name)
    (module / "plugin-descriptor.properties").write_text(DESCRIPTOR, encoding="utf-8")
    (module / "plugin-security.policy").write_text(POLICY, encoding="utf-8")
