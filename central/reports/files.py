"""A report as a table: CSV, XLSX. No cell of them is ever a formula, whatever a camera or a person is called."""

import csv
import io
from collections.abc import Sequence
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from central.reports.tables import Cell, Table
from central.spreadsheet import guarded

_BOLD: Final = Font(bold=True)


def plain(cell: Cell) -> Cell:
    """Text that no spreadsheet computes: behind an apostrophe where it begins like a formula. Numbers stay numbers."""
    if not isinstance(cell, str):
        return cell
    return guarded(ILLEGAL_CHARACTERS_RE.sub("", cell))


def as_csv(found: Sequence[Table]) -> bytes:
    """The tables one under the other, each under its title; UTF-8 with the mark that office programs look for."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for place, table in enumerate(found):
        if place:
            writer.writerow([])
        writer.writerow([plain(table.title)])
        for row in _lines(table):
            writer.writerow(["" if cell is None else plain(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")


def _lines(table: Table) -> list[list[Cell]]:
    return [list(table.head), *table.rows, *([table.total] if table.total else [])]


def as_xlsx(found: Sequence[Table], about: Sequence[tuple[str, str]]) -> bytes:
    """A sheet a table, and before them one that says what was asked for."""
    book = Workbook(write_only=True)
    first = book.create_sheet(_sheet(about[0][1] if about else "1"))
    first.column_dimensions["A"].width, first.column_dimensions["B"].width = 26, 60
    for name, value in about:
        first.append([_cell(first, name, bold=True), _cell(first, value)])
    for table in found:
        sheet = book.create_sheet(_sheet(table.title))
        sheet.freeze_panes = "A2"
        for place, name in enumerate(table.head, 1):
            wide = max([_width(name), *(_width(row[place - 1]) for row in table.rows[:200])])
            sheet.column_dimensions[get_column_letter(place)].width = min(60, wide + 3)
        sheet.append([_cell(sheet, name, bold=True) for name in table.head])
        for row in table.rows:
            sheet.append([_cell(sheet, cell) for cell in row])
        if table.total:
            sheet.append([_cell(sheet, cell, bold=True) for cell in table.total])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _cell(sheet: Any, value: Cell, *, bold: bool = False) -> Any:
    cell = WriteOnlyCell(sheet, value=plain(value))
    if isinstance(value, str):
        # Said once more to programs that would look at the text themselves.
        cell.data_type, cell.quotePrefix = "s", True
    if bold:
        cell.font = _BOLD
    return cell


def _sheet(title: str) -> str:
    """A title that a sheet can have: 31 signs, and none of those that addresses are made of."""
    return "".join(sign for sign in title if sign not in "[]:*?/\\'")[:31] or "-"


def _width(cell: Cell) -> int:
    return sum(2 if ord(sign) > 0x2E80 else 1 for sign in str("" if cell is None else cell))


__all__ = ["as_csv", "as_xlsx", "plain"]
