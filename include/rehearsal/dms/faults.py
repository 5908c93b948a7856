"""What a drill does to the stand-in, from a file that is read again while it runs."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.files import write_atomically

FILE = "faults.json"


@dataclass(frozen=True)
class Faults:
    """How records reach the stream; by default each once, at once and in order.

    :ivar duplicate: share of records that are written twice, 0 to 1.
    :ivar delay: share of records that are written late, 0 to 1; as others pass them, they come out of order.
    :ivar delay_seconds: how late those are, from nothing up to this many seconds, evenly spread.
    :ivar pause: nothing is written.
    :ivar lob_marker: what stands in place of LOB values, as with a task that does not send them; None sends them.
    """

    duplicate: float = 0.0
    delay: float = 0.0
    delay_seconds: float = 1.0
    pause: bool = False
    lob_marker: str | None = None

    def due(self, now: float, random_source: random.Random) -> list[float]:
        """When a record that comes now is to be written: once, or twice.

        :param now: seconds of some clock; what is returned is of the same.
        """
        times = 2 if random_source.random() < self.duplicate else 1
        return [now + self._late(random_source) for _ in range(times)]

    def _late(self, random_source: random.Random) -> float:
        return random_source.uniform(0, self.delay_seconds) if random_source.random() < self.delay else 0.0


def write(folder: Path, faults: Faults) -> None:
    """Have the stand-in of this folder behave so, within a tenth of a second."""
    write_atomically(folder / FILE, json.dumps(asdict(faults)) + "\n")


def read(path: Path) -> Faults:
    """The faults of a file; none when there is no file.

    :raises RehearsalError: it names something unknown, or a value has a wrong type or range.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Faults()
    except ValueError as error:
        raise RehearsalError(f"{path} is no JSON: {error}") from None
    known = {field.name: getattr(Faults(), field.name) for field in fields(Faults)}
    for name, value in found.items():
        if name not in known:
            raise RehearsalError(f"{path}: {name} is unknown; there are: {', '.join(known)}.")
        _check(path, name, value, known[name])
    return Faults(**found)


def _check(path: Path, name: str, value: object, default: object) -> None:
    if isinstance(default, bool):
        good, wanted = isinstance(value, bool), "true or false"
    elif isinstance(default, float):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        most = float("inf") if name == "delay_seconds" else 1.0
        good = number and 0 <= float(str(value)) <= most
        wanted = "a number of seconds" if name == "delay_seconds" else "a share from 0 to 1"
    else:
        good, wanted = value is None or isinstance(value, str), "a text or null"
    if not good:
        raise RehearsalError(f"{path}: {name} is {value!r} and must be {wanted}.")
