"""Lists of plates that the authority keeps: permits, emergency and works vehicles, stolen or cloned plates.

A file is text in UTF-8, one plate a line, then if need be a comma and the last day on which it holds (ISO 8601); what
follows `#` is a note. A list tells of a vehicle only when its plate is known: nobody is matched on a guess, and spaces,
dots and small letters are no difference.

    浙A12345, 2026-12-31   # permit 4711
"""

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from contract.errors import ConfigError
from contract.facts import FactsTable
from contract.sitefile import SiteFile

MAX_BYTES = 20_000_000
_PADDING = str.maketrans("", "", " \t·•.-")


def plain(plate: str) -> str:
    """A plate without what people put between its characters; full-width letters and digits are plain ones."""
    return unicodedata.normalize("NFKC", plate).translate(_PADDING).upper()


@dataclass(frozen=True, slots=True)
class ExemptList:
    """One list: plate -> last day on which it holds, None for no end. `name` is the fact that it tells.

    `sha256` (hex) is that of the file's bytes.
    """

    name: str
    plates: Mapping[str, date | None] = field(default_factory=dict)
    sha256: str = ""

    def holds(self, plate: str, on: date) -> bool:
        """Whether the list names `plate` on the day `on`."""
        known = plain(plate)
        if known not in self.plates:
            return False
        until = self.plates[known]
        return until is None or on <= until


def load_list(name: str, path: Path) -> ExemptList:
    """Read one list. Raises ConfigError with file and line; a line that cannot be read refuses the whole list."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path}: is over {MAX_BYTES} bytes - a list is one plate a line")
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}) - mend exempt_lists.{name}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 - save the list as UTF-8 text") from error
    plates: dict[str, date | None] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        said = line.partition("#")[0].strip()
        if said:
            plate, until = _entry(said, f"{path}:{number}")
            if plate in plates:
                raise ConfigError(f"{path}:{number}  {plate} stands twice - keep one line")
            plates[plate] = until
    return ExemptList(name, plates, hashlib.sha256(raw).hexdigest())


def lists_of(site_file: SiteFile, table: FactsTable) -> tuple[ExemptList, ...]:
    """The lists that a site names. Raises ConfigError for a fact that no list can tell, and what `load_list` raises."""
    found = []
    for name, file in site_file.site.exempt_lists.items():
        if name not in table.listed:
            known = ", ".join(table.listed)
            raise ConfigError(f"{site_file.path}: exempt_lists.{name}: no list tells that - known are: {known}")
        found.append(load_list(name, site_file.path.parent / file))
    return tuple(found)


def _entry(said: str, where: str) -> tuple[str, date | None]:
    written, comma, day = (part.strip() for part in said.partition(","))
    plate = plain(written)
    if not 3 <= len(plate) <= 12 or not plate.isalnum():
        raise ConfigError(f"{where}  {written!r} is not a plate - write one plate a line")
    if not comma:
        return plate, None
    try:
        return plate, date.fromisoformat(day)
    except ValueError as error:
        raise ConfigError(f"{where}  {day!r} is not a day like 2026-12-31 - mend or remove it") from error


__all__ = ["ExemptList", "lists_of", "load_list", "plain"]
