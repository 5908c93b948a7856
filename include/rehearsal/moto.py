"""Run moto's server: `python -m rehearsal.moto -H 127.0.0.1 -p PORT`.

For each request moto looks through its own folder to learn which services it has, a quarter of what a small request
costs; here it looks once.
"""

from __future__ import annotations

from moto import backends
from moto.server import main

if __name__ == "__main__":
    services = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: services
    main()
