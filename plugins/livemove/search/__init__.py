"""Elasticsearch: names, mappings, snapshots, the copy of an index, its verification, aliases. Needs no stream.

The core decides without I/O: `naming` (names), `mapping` (what we add, how a live index differs), `chunks` (ranges of
a copy), `comparison` (sums, differences), `aliases` (what a swap may do), `versions` and `disk` (what a preflight
says), `calls` (each request as a value, with its text for plan mode). Steps are functions over a `SearchHook`; each
looks first, so it may be called again after a kill at any line. Those that take time give a `Progress` and are called
until it is done: `waiting.complete(step)` does that in this process, the triggers in the triggerer::

    from livemove.search import aliases, copying, indices, naming, snapshots, verifying, waiting
    from livemove.search.hook import SearchHook

    hook = SearchHook("elasticsearch_default")
    live = aliases.index_of(hook, "products")                       # exactly one, else NeedsPerson
    new = naming.new_index("products", run_time)                    # products-20260131120000
    copy = naming.restored_copy(new)                                # products-20260131120000.restored

    # a whole snapshot that is fresh, or a new one of that name -> {"snapshot", "state", "started_at"}
    snapshots.ensure(hook, repository, live, prefix, name, max_age=timedelta(hours=24), take_one=True) -> Progress
    # -> {"index", "documents", "snapshot", "snapshot_started_at"}
    snapshots.restore(hook, repository, snapshot, live, copy) -> Progress
    indices.create(hook, new, mapping_json, alias="products", source=copy, snapshot=…, snapshot_started_at=…,
                   requests_per_second=None, chunk_documents=None) -> RebuildState
    copying.Copier(hook, new, slices="auto").step() -> Progress     # keep the object between calls
    copying.throttle(hook, new, 5000)                               # while it runs; None for no limit
    verifying.verify(Side(hook, live), Side(hook, new), settle=…) -> Verification
    aliases.swap(hook, "products", live, new, wanted=aliases.LIVE_FILTER) -> bool  # False: had moved already
    indices.delete(hook, old) -> bool                               # refuses while an alias points to it

An index that begins empty is `indices.create(…, source="")`, then `aliases.add(hook, alias, index)`.

The limit of a running copy is `_meta.livemove.requests_per_second` of the new index, read at each look: `throttle`
writes it there, so that it works from any place and also while the copy waits in the triggerer.

Errors are `NeedsPerson` with the remedy, and `TryAgain` where the same call may work later.
"""
