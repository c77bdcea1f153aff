"""Letters that are set: a PDF is made once, kept by what it is made of, and is the same bytes whoever asks for it.

Setting a page takes seconds of a processor and, the first time, the redaction of its stills. So it is done in turns and
within no transaction: what the database knows of a letter is gathered before.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from central import printing
from central.db.notices import Notice
from central.notices import letter
from central.notices.stills import PublicStills, Still, write
from central.turns import Turns
from contract.sealing import sha256_hex

#: Below the folder of redacted stills, and with them cleared by retention.
FOLDER: Final = "letters"
_NAME: Final = re.compile(r"(?P<number>.+)-[0-9a-f]{64}\.pdf")


class Letters:
    """The PDFs in `folder`. `turns` are shared by everything that is set here."""

    def __init__(self, folder: Path, stills: PublicStills, turns: Turns) -> None:
        self._folder = folder
        self._stills = stills
        self._turns = turns

    def pdf(self, notice: Notice, stills: Sequence[Still]) -> bytes:
        """The letter; `stills` are those that `PublicStills.of` told of it.

        Raises Busy, and CannotPrint.
        """
        page = letter.html(notice, self._stills.all_made(stills))
        path = self._folder / f"{notice.number}-{sha256_hex(page.encode())}.pdf"
        if not path.is_file():
            with self._turns.one():
                # Another one may have waited for the same letter.
                if not path.is_file():
                    write(path, printing.pdf(page))
                    self._forget_others(notice.number, path)
        return path.read_bytes()

    def _forget_others(self, number: str, path: Path) -> None:
        """A letter whose stills are no longer kept is another one: that of before goes with them."""
        for other in self._folder.glob(f"{number}-*.pdf"):
            if other != path and number_of(other) == number:
                other.unlink(missing_ok=True)


def number_of(path: Path) -> str | None:
    """The number of the letter that a file of the folder is, None for another file."""
    found = _NAME.fullmatch(path.name)
    return found["number"] if found else None


__all__ = ["FOLDER", "Letters", "number_of"]
