"""Reading a CSV file that another office made: every fault is told with the line it stands on, nothing is guessed.

UTF-8 with or without a byte order mark, a first line of column names, commas or tabs. A column that is not asked for
refuses the file: the office's owner data must not come in with the rest (domain B6, design section 1). A line is read
at a time: the register of a province has millions.
"""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from contract.errors import InputError
from contract.exempt import plain

MAX_BYTES = 500_000_000
#: No line of a list is nearly as long. Bytes.
MAX_LINE: Final = 20_000
_BOM: Final = b"\xef\xbb\xbf"
_OWNER_WORDS = (
    "owner name surname id id_number id_card phone mobile telephone address email birthday "
    "车主 所有人 机动车所有人 姓名 身份证 身份证号 身份证号码 手机 手机号 电话 联系电话 地址 住址"
)
_OWNER = frozenset(_OWNER_WORDS.split())


@dataclass(frozen=True, slots=True)
class Row:
    """One line: its number in the file, and its values by column."""

    line: int
    values: dict[str, str]


class Table:
    """The rows of the file at `path`, read once, from its first line on. `sha256` (hex) is known when all were read."""

    def __init__(self, path: Path, needed: tuple[str, ...], more: tuple[str, ...] = ()) -> None:
        """All of the columns `needed` must be there, any of `more` may. Nothing is read yet."""
        self.path = path
        self.sha256 = ""
        self._needed, self._more = needed, more

    def __iter__(self) -> Iterator[Row]:
        """Each line in its order. Raises InputError with file and line at the first that cannot be read."""
        try:
            with self.path.open("rb") as file:
                yield from self._rows(self._lines(file))
        except OSError as error:
            why = f"cannot be read ({error.strerror}) - give the path of a CSV file"
            raise InputError(f"{self.path}: {why}") from error

    def _rows(self, lines: Iterator[str]) -> Iterator[Row]:
        head = next(lines, "").rstrip("\r\n")
        delimiter = "\t" if "\t" in head else ","
        columns = tuple(name.strip().lower() for name in next(csv.reader([head], delimiter=delimiter), []))
        _check(self.path, columns, self._needed, self._more)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                # The reader counts from behind the names of the columns.
                line = reader.line_num + 1
                if len(cells) != len(columns):
                    raise self.wrong(line, f"has {len(cells)} values for {len(columns)} columns - mend it")
                yield Row(line, dict(zip(columns, map(str.strip, cells), strict=True)))
        except csv.Error as error:
            raise self.wrong(reader.line_num + 1, f"is not CSV ({error}) - mend it") from error

    def _lines(self, file: BinaryIO) -> Iterator[str]:
        digest, size, number = hashlib.sha256(), 0, 0
        while raw := file.readline(MAX_LINE + 1):
            digest.update(raw)
            size, number = size + len(raw), number + 1
            if size > MAX_BYTES:
                raise InputError(f"{self.path}: is over {MAX_BYTES} bytes - divide it")
            if len(raw) > MAX_LINE:
                raise self.wrong(number, f"is over {MAX_LINE} bytes long - save the file as CSV, one entry a line")
            yield self._text(number, raw.removeprefix(_BOM) if number == 1 else raw)
        self.sha256 = digest.hexdigest()

    def _text(self, number: int, raw: bytes) -> str:
        if b"\0" in raw:
            raise self.wrong(number, "holds a NUL character - save the file as CSV in UTF-8")
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise self.wrong(number, "is not UTF-8, it may be GBK - save the file as CSV in UTF-8") from error

    def wrong(self, line: int, why: str) -> InputError:
        """The fault of one line."""
        return InputError(f"{self.path}:{line}  {why}")

    def plate(self, row: Row) -> str:
        """The plate of a row, as plates are compared. Raises InputError when it is none."""
        found = plain(row.values["plate"])
        if not 3 <= len(found) <= 12 or not found.isalnum():
            raise self.wrong(row.line, f"{row.values['plate'][:40]!r} is not a plate - write one plate a line")
        return found

    def short(self, row: Row, name: str, most: int) -> str:
        """The text of a column, at most so many characters. Raises InputError when it is longer or cannot be shown."""
        value = row.values.get(name, "")
        if len(value) > most or not value.isprintable():
            raise self.wrong(row.line, f"{name} {value[:40]!r} is no short text - mend it")
        return value


def _check(path: Path, columns: tuple[str, ...], needed: tuple[str, ...], more: tuple[str, ...]) -> None:
    known = (*needed, *more)
    asked = f"its columns are {', '.join(needed)}" + (f", and perhaps {', '.join(more)}" if more else "")
    for name in columns:
        if name in _OWNER:
            raise InputError(f"{path}:1  has the column {name!r}: central keeps nothing of owners - remove it; {asked}")
        if name not in known:
            raise InputError(f"{path}:1  has the column {name[:40]!r} - remove it; {asked}")
        if columns.count(name) > 1:
            raise InputError(f"{path}:1  has the column {name!r} twice - remove one")
    for name in needed:
        if name not in columns:
            raise InputError(f"{path}:1  has no column {name!r} - {asked}")


__all__ = ["Row", "Table"]
