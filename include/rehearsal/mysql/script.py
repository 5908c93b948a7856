"""SQL scripts with DELIMITER lines, which only MySQL's own client understands, as statements."""

from __future__ import annotations

from collections.abc import Iterator


def statements(script: str) -> Iterator[str]:
    """The statements of a script, without their delimiters.

    A statement ends with a line that ends with the delimiter in force, so a delimiter inside a line is
    left alone.

    :raises ValueError: the last statement has no delimiter.
    """
    delimiter, lines = ";", list[str]()
    for line in script.splitlines():
        if line.startswith("DELIMITER "):
            delimiter = line.split()[1]
        elif lines or (line.strip() and not line.startswith("--")):
            lines.append(line)
            if line.rstrip().endswith(delimiter):
                yield "\n".join(lines).rstrip().removesuffix(delimiter)
                lines = []
    if lines:
        raise ValueError(f"the statement that begins with {lines[0]!r} has no {delimiter} at its end")
