"""CSV that goes out: for every spreadsheet, and of no harm in any."""

import csv
import io
import re
from collections.abc import Sequence

# A spreadsheet takes a CSV file for UTF-8 only if it begins so.
BYTE_ORDER_MARK = "\ufeff"
# A spreadsheet computes what begins like this, with the rights of whoever opens the file (OWASP, "CSV Injection").
FORMULA = re.compile(r"[=+\-@\t\r\n|%\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*\Z")


def csv_line(cells: Sequence[str]) -> str:
    """A line of CSV; what a spreadsheet would compute is made plain text with an apostrophe."""
    out = io.StringIO()
    csv.writer(out).writerow([defused(cell) for cell in cells])
    return out.getvalue()


def defused(cell: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet would take it for a formula. Mere numbers stay."""
    return f"'{cell}" if FORMULA.match(cell) and not _NUMBER.match(cell) else cell
