"""Somebody's file: read as people mean it, and refused with a sentence where it is broken or made to harm."""

import io
import zipfile
from datetime import date

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_portal.csv_lines import csv_line, defused
from tenant_portal.errors import BadInput
from tenant_portal.leads import spreadsheets
from tenant_portal.leads.spreadsheets import read_table


def workbook(*rows: list[object]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"Phone,Name\n+14155550100,Ada\n",
        b"Phone;Name\r\n+14155550100;Ada\r\n",
        b"Phone\tName\n+14155550100\tAda",
        "\ufeffPhone,Name\n\n+14155550100,Ada\n,\n".encode(),
        "Phone,Name\n+14155550100,Ada\n".encode("utf-16"),
        workbook(["Phone", "Name", None], ["+14155550100", "Ada"], [None, None]),
    ],
)
def test_the_same_table_is_read_from_every_kind_of_file(content: bytes) -> None:
    assert read_table(content) == (["Phone", "Name"], [["+14155550100", "Ada"]])


def test_old_code_pages_and_cells_that_are_no_text_are_read() -> None:
    assert read_table("Name,X\nJos\xe9,1\n".encode("cp1252"))[1] == [["Jos\xe9", "1"]]
    book = workbook(["Phone", "Day", "Sum"], [14155550100, date(2026, 11, 25), 2.5])
    assert read_table(book)[1] == [["14155550100", "2026-11-25", "2.5"]]


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 40_000_000)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"Phone,Name\n", "no rows"),
        (b"\n\n", "no rows"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "neither"),
        (b"PK\x03\x04 and nothing more", "not an Excel workbook"),
        (workbook(["Phone"])[:-200], "not an Excel workbook"),
        (("," * 80 + "x\n").encode() * 2, "columns"),
        (b'a,b\n"' + b"x" * 200_000, "CSV"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(content: bytes, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        read_table(content)


def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheets, "MAX_UNPACKED", 30_000_000)
    with pytest.raises(BadInput, match="too large"):
        read_table(bomb())


def test_too_many_rows_are_counted_and_not_all_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheets, "MAX_ROWS", 3)
    assert len(read_table(b"Phone\n" + b"1\n" * 3)[1]) == 3
    with pytest.raises(BadInput, match="more than 3 rows"):
        read_table(b"Phone\n" + b"1\n" * 500)


@pytest.mark.parametrize("cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "|x", "\uff1d1"])
def test_what_a_spreadsheet_would_compute_is_made_text_and_comes_back_as_it_was(cell: str) -> None:
    assert defused(cell) == f"'{cell}"
    assert read_table(f"Name\n{csv_line([cell])}".encode())[1] == [[cell]]


@pytest.mark.parametrize("cell", ["+14155550100", "-5", "1,250.50", "Ada", "", "a=b"])
def test_numbers_and_plain_words_stay(cell: str) -> None:
    assert defused(cell) == cell


@given(st.text(max_size=60))
def test_no_line_of_ours_begins_a_cell_with_a_formula(text: str) -> None:
    cell = defused(text)
    assert not cell or cell[0] not in "=@\t\r" or cell.startswith("'")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_a_sentence(content: bytes) -> None:
    try:
        names, rows = read_table(content)
    except BadInput:
        return
    assert all(len(row) == len(names) for row in rows)
