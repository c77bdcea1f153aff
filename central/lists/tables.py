"""Reading a CSV file that another office made: every fault is told with the line it stands on, nothing is guessed.

UTF-8 with or without a byte order mark, a first line of column names, commas or tabs. A column that is not asked for
refuses the file: the office's owner data must not come in with the rest (domain B6, design section 1).
"""

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contract.errors import InputError
from contract.exempt import plain

MAX_BYTES = 500_000_000
_OWNER_WORDS = (
    "owner name surname id id_number id_card phone mobile telephone address email birthday "
    "车主 所有人 机动车所有人 姓名 身份证 身份证号 身份证明号码 手机 手机号 电话 联系电话 地址 住址"
)
_OWNER = frozenset(_OWNER_WORDS.split())


@dataclass(frozen=True, slots=True)
class Row:
    """One line: its number in the file, and its values by column."""

    line: int
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file of `path` with the SHA-256 (hex) of its bytes."""

    path: Path
    sha256: str
    text: str
    columns: tuple[str, ...]
    delimiter: str

    def __iter__(self) -> Iterator[Row]:
        """Each line in its order. Raises InputError at the first that cannot be read."""
        reader = csv.reader(io.StringIO(self.text), delimiter=self.delimiter, strict=True)
        try:
            next(reader)
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != len(self.columns):
                    raise self.wrong(
                        reader.line_num, f"has {len(cells)} values for {len(self.columns)} columns - mend it"
                    )
                yield Row(reader.line_num, dict(zip(self.columns, map(str.strip, cells), strict=True)))
        except csv.Error as error:
            raise self.wrong(reader.line_num, f"is not CSV ({error}) - mend it") from error

    def wrong(self, line: int, why: str) -> InputError:
        """The fault of one line."""
        return InputError(f"{self.path}:{line}  {why}")

    def plate(self, row: Row) -> str:
        """The plate of a row, as plates are compared. Raises InputError when it is none."""
        found = plain(row.values["plate"])
        if not 3 <= len(found) <= 12 or not found.isalnum():
            raise self.wrong(row.line, f"{row.values['plate'][:40]!r} is not a plate - write one plate a line")
        return found


def read_table(path: Path, needed: tuple[str, ...], more: tuple[str, ...] = ()) -> Table:
    """The table of `path` with all of the columns `needed` and any of `more`. Raises InputError with file and line."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: is over {MAX_BYTES} bytes - divide it")
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}) - give the path of a CSV file") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(f"{path}:{line}  is not UTF-8, it may be GBK - save the file as CSV in UTF-8") from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InputError(f"{path}:{line}  holds a NUL character - save the file as CSV in UTF-8")
    head = text.partition("\n")[0].rstrip("\r")
    delimiter = "\t" if "\t" in head else ","
    columns = tuple(name.strip().lower() for name in next(csv.reader([head], delimiter=delimiter), []))
    _check(path, columns, needed, more)
    return Table(path, hashlib.sha256(raw).hexdigest(), text, columns, delimiter)


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


__all__ = ["Row", "Table", "read_table"]
