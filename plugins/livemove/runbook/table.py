"""Tables in Markdown that read well in a log too."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def width(text: str) -> int:
    """Columns that a text takes on a terminal; Chinese and Japanese characters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def markdown_table(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Lay out a table; columns whose cells are all numbers are set to the right."""
    lines = [[cell.replace("|", r"\|") for cell in cells] for cells in lines]
    columns = list(zip(headings, *lines, strict=True))
    widths = [max(3, *(width(cell) for cell in column)) for column in columns]
    right = [all(_is_number(cell) for cell in column[1:]) and len(column) > 1 for column in columns]

    def line(cells: Sequence[str]) -> str:
        laid = [_pad(cell, w, r) for cell, w, r in zip(cells, widths, right, strict=True)]
        return "| " + " | ".join(laid) + " |"

    rule = "|" + "|".join("-" * (w + 1) + (":" if r else "-") for w, r in zip(widths, right, strict=True)) + "|"
    return "\n".join([line(headings), rule, *(line(cells) for cells in lines)])


def _pad(cell: str, columns: int, right: bool) -> str:
    space = " " * (columns - width(cell))
    return space + cell if right else cell + space


def _is_number(cell: str) -> bool:
    return not cell.strip() or cell.replace(",", "").replace(".", "").replace("-", "").strip().isdigit()
