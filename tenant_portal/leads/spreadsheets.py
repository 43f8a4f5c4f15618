"""CSV and XLSX in. What comes in is somebody's file and may be anything."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

import openpyxl

from tenant_portal.csv_lines import FORMULA
from tenant_portal.errors import BadInput

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS, MAX_COLUMNS, MAX_CELL = 100_000, 60, 600
# A small file that unpacks to more than this is made to harm.
MAX_UNPACKED = 300 * 1024 * 1024
SAMPLE = 16_384
Cells = list[str]


def read_table(content: bytes) -> tuple[Cells, list[Cells]]:
    """The first row, which names the columns, and all that are not empty after it. BadInput with what is wrong."""
    rows = _xlsx(content) if content.startswith(b"PK\x03\x04") else _csv(content)
    table = [row for row in rows if any(row)]
    if len(table) < 2:
        raise BadInput("The file has no rows below its first one, which names the columns.")
    if len(table) > MAX_ROWS + 1:
        raise BadInput(f"The file has more than {MAX_ROWS:,} rows. Split it.")
    width = max(index + 1 for index, name in enumerate(table[0]) if name) if any(table[0]) else 0
    return table[0][:width], [(row + [""] * width)[:width] for row in table[1:]]


def _csv(content: bytes) -> Iterator[Cells]:
    text = _decoded(content)
    if "\x00" in text:
        raise BadInput("This is neither a CSV nor an XLSX file.")
    try:
        dialect: Any = csv.Sniffer().sniff(text[:SAMPLE], delimiters=",;\t")
    except csv.Error:
        dialect = csv.excel
    try:
        yield from _bounded(csv.reader(io.StringIO(text, newline=""), dialect))
    except csv.Error:
        raise BadInput("This is not a CSV file that can be read.") from None


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "utf-16") if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadInput("The letters of this file cannot be read. Save it as CSV with UTF-8.")


def _xlsx(content: bytes) -> Iterator[Cells]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
                raise BadInput("This workbook is too large.")
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        yield from _bounded(book.worksheets[0].iter_rows(values_only=True))
    except BadInput:
        raise
    except Exception:  # noqa: BLE001  # a broken workbook fails the library in as many ways as there are parts of it
        raise BadInput("This is not an Excel workbook (.xlsx) that can be read.") from None


def _bounded(rows: Iterable[Iterable[Any]]) -> Iterator[Cells]:
    for number, row in enumerate(rows):
        # One more than may be, so that whoever counts sees it; the rest is not even read.
        if number > MAX_ROWS + 1:
            return
        cells = [_text(cell) for cell in row]
        if len(cells) > MAX_COLUMNS and any(cells[MAX_COLUMNS:]):
            raise BadInput(f"The file has more than {MAX_COLUMNS} columns.")
        yield cells[:MAX_COLUMNS]


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = str(cell).replace("\x00", "").strip()
    # The apostrophe that keeps a spreadsheet from computing, ours or anybody's.
    return (text[1:] if text[:1] == "'" and FORMULA.match(text[1:2]) else text)[:MAX_CELL]
