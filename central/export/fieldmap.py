"""The field map: which columns an office's system asks for, in which words, formats and encoding. Data, not code.

One YAML file a system, `configs/exports/NAME.yaml` or the file that `export.map` names.
"""

import codecs
import hashlib
from datetime import datetime
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from central.export.matter import VALUES
from contract.errors import ConfigError
from contract.model import Model
from contract.settings import read_settings

SHIPPED = "cn-default"
_MANUAL = "docs/after-approval.md"
#: Cases whose files must have names of their own.
_NUMBERS = ("20260101-0001", "20260101-0002", "20260101-00011", "20260101-000111", "20260102-0001", "20260101-1000")
#: The archive's own list of what is in it (`central.export.service`).
MANIFEST = "manifest.json"
_FILE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$"


def plain(name: str) -> str:
    """A name of a file that every system can write."""
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "_" for sign in name)


def _encoding(value: str) -> str:
    try:
        "0".encode(codecs.lookup(value).name)
    except (LookupError, UnicodeError) as error:
        raise ValueError(f"{value[:40]} is no encoding of text - for example utf-8 or gb18030") from error
    return value


def _value(value: str) -> str:
    if value not in VALUES:
        raise ValueError(f"{value[:40]!r} is nothing that a case has - one of {', '.join(VALUES)}")
    return value


class Column(Model):
    """One column: its name, which value of the case stands in it, and how it is written.

    `codes` is the code table of the system: what we call it, and its code; what is not in it is `otherwise`, or keeps
    the case out where there is none. `format` is strftime's, for moments.
    """

    column: str = Field(min_length=1, max_length=80)
    of: Annotated[str, AfterValidator(_value)] | None = None
    text: str | None = Field(default=None, description="the same in every row, instead of `of`")
    required: bool = False
    most: int | None = Field(default=None, ge=1, description="characters; more keep the case out")
    format: str = "%Y-%m-%d %H:%M:%S"
    time: Literal["place", "utc"] = "place"
    decimals: int | None = Field(default=None, ge=0, le=6)
    codes: dict[str, str] | None = None
    otherwise: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.of is None) == (self.text is None):
            raise ValueError(f"column {self.column}: give `of` or `text`, one of the two")
        if self.otherwise is not None and self.codes is None:
            raise ValueError(f"column {self.column}: `otherwise` is for a code table - give `codes` too")
        datetime(2026, 1, 1).strftime(self.format)  # noqa: DTZ001 - only whether it can be written
        return self


class Csv(Model):
    """The table's file. A character that `encoding` lacks keeps the case out; nothing is replaced.

    `formulas`: `guard` puts an apostrophe before text of a case that a spreadsheet would compute; `exact` writes it as
    it is, for a table that only the importer of the system reads.
    """

    name: str = Field(default="cases.csv", pattern=_FILE)
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    byte_order_mark: bool = False
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    newline: Literal["crlf", "lf"] = "crlf"
    header: bool = True
    quote: Literal["minimal", "all"] = "minimal"
    formulas: Literal["guard", "exact"] = "guard"


class Files(Model):
    """The stills and clips beside the table. `name` is filled with number, n (1, 2, ...), role and moment."""

    folder: str = Field(default="media", pattern=_FILE)
    name: str = "{number}_{n}"
    kinds: list[Literal["image", "video"]] = Field(default=["image", "video"], min_length=1)
    copies: Literal["originals", "overlays", "all"] = "all"
    most: int = Field(default=12, ge=1, le=40)
    at_least: int = Field(default=1, ge=0, description="fewer keep the case out")
    join: str = Field(default=";", min_length=1, max_length=3, description="between names in the column `files`")

    @model_validator(mode="after")
    def _fillable(self) -> Self:
        try:
            one, two = (self.name.format(number="20260101-0001", n=n, role="far", moment="first") for n in (1, 2))
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            raise ValueError(f"files.name: {self.name[:60]!r} cannot be filled ({error})") from error
        if one == two:
            raise ValueError("files.name: gives every file of a case the same name - use {n}")
        self._one_each()
        return self

    def _one_each(self) -> None:
        """Numbers of cases end in four digits or more, so that {number}{n} may say the same of two files."""
        taken: dict[str, str] = {}
        for number in _NUMBERS:
            for n in range(1, self.most + 1):
                name = plain(self.name.format(number=number, n=n, role="far", moment="first")).lower()
                if taken.setdefault(name, number) != number:
                    raise ValueError(
                        f"files.name: {self.name[:60]!r} gives files of cases {taken[name]} and {number} one name "
                        "- use {number}_{n}"
                    )


class FieldMap(Model):
    """What one system takes."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    name: str = Field(min_length=1)
    claims: str = Field(min_length=1)
    csv: Csv = Csv()
    columns: list[Column] = Field(min_length=1, max_length=200)
    files: Files = Files()

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [one.column for one in self.columns]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"column {twice} stands twice")
        if self.csv.name.lower() in {MANIFEST, self.files.folder.lower()}:
            raise ValueError(f"csv.name: {self.csv.name} is the name of something else in the archive - choose another")
        line = "".join(names) + "".join(one.text or "" for one in self.columns)
        try:
            line.encode(self.csv.encoding)
        except UnicodeEncodeError as error:
            raise ValueError(f"csv.encoding {self.csv.encoding} lacks {line[error.start]!r} of a column") from error
        return self


class Read(Model):
    """A field map and the SHA-256 of the file it came from."""

    map: FieldMap
    sha256: str


def load_map(path: Path | None) -> Read:
    """The field map in the file `path`; None: the shipped one. Raises ConfigError, one line with file and key."""
    entry: Path | Traversable = path or resources.files("configs") / "exports" / f"{SHIPPED}.yaml"
    read = read_settings(FieldMap, entry, "mend export.map", _MANUAL)
    try:
        raw = entry.read_bytes()
    except OSError as error:
        raise ConfigError(f"{entry}: cannot be read ({error.strerror}) - mend export.map") from error
    return Read(map=read, sha256=hashlib.sha256(raw).hexdigest())


__all__ = ["MANIFEST", "SHIPPED", "Column", "Csv", "FieldMap", "Files", "Read", "load_map", "plain"]
