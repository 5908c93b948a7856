"""Tables in Markdown line up on a terminal, Japanese included."""

from __future__ import annotations

from livemove.runbook.table import markdown_table, width


def test_japanese_characters_take_two_columns_and_half_width_ones_one() -> None:
    assert width("abc") == 3
    assert width("注文") == 4
    assert width("ＡＢ") == 4
    assert width("ｱｲ") == 2


def test_columns_line_up_whatever_their_letters() -> None:
    text = markdown_table(["table", "rows"], [["shop.注文明細", "1,234,567"], ["shop.orders", "8"]])
    assert text.splitlines() == [
        "| table         |      rows |",
        "|---------------|----------:|",
        "| shop.注文明細 | 1,234,567 |",
        "| shop.orders   |         8 |",
    ]
    assert len({width(line) for line in text.splitlines()}) == 1


def test_a_column_with_one_word_among_numbers_is_set_to_the_left() -> None:
    lines = markdown_table(["n"], [["1"], ["none"]]).splitlines()
    assert lines[1:] == ["|------|", "| 1    |", "| none |"]


def test_an_empty_cell_does_not_make_numbers_text() -> None:
    assert markdown_table(["seconds"], [["1.5"], [""]]).splitlines()[2] == "|     1.5 |"


def test_a_table_without_lines_has_its_headings() -> None:
    assert markdown_table(["a", "b"], []).splitlines() == ["| a   | b   |", "|-----|-----|"]


def test_a_bar_in_a_cell_does_not_begin_a_column() -> None:
    assert markdown_table(["name"], [["a|b"]]).splitlines()[2] == "| a\\|b |"
