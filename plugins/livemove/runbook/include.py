"""Where the files that users edit are."""

from __future__ import annotations

import os
from pathlib import Path

from livemove.runbook.errors import NeedsPerson

SETTING = "LIVEMOVE_INCLUDE"


def include_folder() -> Path:
    """Return the `include` folder.

    It is the folder that the environment variable LIVEMOVE_INCLUDE names; without it, the first
    `include` folder found beside `plugins/` (a clone of the repository), inside `plugins/`, or inside
    `dags/` beside it (managed services ship only those two).

    :raises NeedsPerson: there is none.
    """
    if named := os.environ.get(SETTING):
        folder = Path(named)
        if folder.is_dir():
            return folder
        raise NeedsPerson(f"{SETTING}={named} is not a folder. Set it to the folder that holds sync/.")
    plugins = Path(__file__).resolve().parents[2]
    places = [plugins.parent / "include", plugins / "include", plugins.parent / "dags" / "include"]
    for place in places:
        if (place / "sync").is_dir():
            return place
    looked = ", ".join(str(place) for place in places)
    raise NeedsPerson(f"No include folder found (looked at {looked}). Set {SETTING} to where it is.")
