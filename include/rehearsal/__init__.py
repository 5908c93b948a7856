"""AWS on a laptop: the servers, stand-ins and tools behind `./dev`.

What this package's top level and `rehearsal.install` import is the standard library alone, as they run
before anything is installed. The rest runs inside the project's own virtual environment.
"""
