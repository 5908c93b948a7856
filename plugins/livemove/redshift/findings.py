"""Values that the warehouse cannot hold exactly: how many, where, and what was done."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

MAX_SAMPLES: Final = 5

REMEDIES: Final = {
    "zero_date": "set policy `zero_date: null`, or correct the dates",
    "too_long": "set policy `too_long: truncate` or `null`, or `skip: true`",
    "invalid_text": "set policy `invalid_text: replace` or `null`, or correct the bytes",
    "utf8_in_latin1": "set policy `utf8_in_latin1: decode` (it is UTF-8) or `keep` (it is latin1)",
}
KEY_REMEDY: Final = "correct the values, or choose another `key`; policies never change a key, as rows would meet"


@dataclass
class Finding:
    """One kind of problem in one column.

    :ivar problem: name of the policy that decides about it.
    :ivar action: what the policy says.
    :ivar samples: keys of the first few rows.
    """

    column: str
    problem: str
    action: str
    count: int = 0
    samples: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        rows = "row" if self.count == 1 else "rows"
        samples = ", ".join(self.samples)
        return f"{self.column}: {self.count:,} {rows} with {self.problem} ({self.action}), such as {samples}"


class Tally:
    """Findings of a whole extraction, counted by column and problem."""

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        self._findings = {(f.column, f.problem): f for f in findings}

    def add(self, column: str, problem: str, action: str, count: int, keys: Iterable[str]) -> None:
        """Count rows.

        :param keys: keys of the rows; no more of them are taken than are kept.
        """
        if not count:
            return
        finding = self._findings.setdefault((column, problem), Finding(column, problem, action))
        finding.count += count
        finding.samples.extend(islice(keys, MAX_SAMPLES - len(finding.samples)))

    @property
    def findings(self) -> list[Finding]:
        """All findings."""
        return list(self._findings.values())

    @property
    def rejected(self) -> list[Finding]:
        """Those that stop the table."""
        return [finding for finding in self.findings if finding.action == "reject"]

    def refusal(self, table: str, key: Collection[str] = ()) -> str:
        """The error text for the rejected rows.

        :param key: columns of the key, for which no policy helps.
        """
        lines = [f"tables.{table}: values that Redshift cannot hold exactly were found; nothing was loaded."]
        for finding in self.rejected:
            remedy = KEY_REMEDY if finding.column in key else REMEDIES[finding.problem]
            lines.append(f"- {finding}. Remedy: {remedy}.")
        return "\n".join(lines)

    def as_json(self) -> list[dict[str, Any]]:
        """For the extraction's summary."""
        return [vars(finding) for finding in self.findings]
