"""Rows of the table, as the field map wants them. Pure: matters in, bytes out, or a sentence of what does not fit."""

import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from central.db.cases import CaseMedia
from central.export.fieldmap import Column, Csv, FieldMap, Files, plain
from central.export.matter import OF_CASE, Matter, Value
from central.spreadsheet import guarded
from central.workflow.errors import Refused

_SUFFIX = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "video/mp4": ".mp4"}


class Unwritable(Refused):
    """A case that this field map cannot take; the sentence is the reason that a person reads."""

    status = 422


@dataclass(frozen=True, slots=True)
class Filed:
    """A still or clip under its name in the archive."""

    name: str
    sha256: str
    size: int


def files_of(matter: Matter, files: Files) -> list[Filed]:
    """Which stills and clips go along, under which names. Raises Unwritable where there are too few."""
    chosen = [one for one in matter.media if _goes(one, files)][: files.most]
    if len(chosen) < files.at_least:
        english = f"has {len(chosen)} of the stills and clips that are asked for, {files.at_least} are needed"
        raise Unwritable(english, "cell.media", n=len(chosen), least=files.at_least)
    return [
        Filed(f"{files.folder}/{_name(matter, one, n, files)}", one.sha256, one.size)
        for n, one in enumerate(chosen, start=1)
    ]


def cells(matter: Matter, serial: int, filed: Sequence[Filed], field_map: FieldMap) -> list[str]:
    """One row. Raises Unwritable with the column that cannot be filled."""
    names = [one.name for one in filed]
    row = [
        _cell(column, _value(column, matter, serial, names, field_map.files), matter, field_map.csv)
        for column in field_map.columns
    ]
    for column, cell in zip(field_map.columns, row, strict=True):
        try:
            cell.encode(field_map.csv.encoding)
        except UnicodeEncodeError as error:
            sign = cell[error.start]
            english = f"{column.column}: {field_map.csv.encoding} has no character {sign!r}"
            said = {"column": column.column, "encoding": field_map.csv.encoding, "sign": sign}
            raise Unwritable(english, "cell.sign", **said) from error
    return row


def whole(rows: Sequence[Sequence[str]], field_map: FieldMap) -> bytes:
    """The table's file."""
    said = field_map.csv
    text = io.StringIO(newline="")
    writer = csv.writer(
        text,
        delimiter=said.delimiter,
        lineterminator="\r\n" if said.newline == "crlf" else "\n",
        quoting=csv.QUOTE_ALL if said.quote == "all" else csv.QUOTE_MINIMAL,
    )
    if said.header:
        writer.writerow([column.column for column in field_map.columns])
    writer.writerows(rows)
    return _mark(said) + text.getvalue().encode(said.encoding)


def _mark(said: Csv) -> bytes:
    """The byte order mark, where one is asked for and the encoding has one (it does not write it by itself)."""
    if not said.byte_order_mark or codecs.lookup(said.encoding).name in {"utf-16", "utf-32", "utf-8-sig"}:
        return b""
    try:
        return "\ufeff".encode(said.encoding)
    except UnicodeEncodeError:
        return b""


def _goes(one: CaseMedia, files: Files) -> bool:
    wanted = {"originals": not one.overlay, "overlays": one.overlay or one.kind == "video", "all": True}
    return one.kind in files.kinds and wanted[files.copies]


def _name(matter: Matter, one: CaseMedia, n: int, files: Files) -> str:
    named = files.name.format(number=matter.case.number, n=n, role=one.role or one.kind, moment=one.moment or "clip")
    return plain(named) + _SUFFIX.get(one.media_type, ".bin")


def _value(column: Column, matter: Matter, serial: int, names: Sequence[str], files: Files) -> Value:
    if column.of is None:
        return column.text
    if column.of in OF_CASE:
        return OF_CASE[column.of](matter)
    if column.of == "serial":
        return serial
    if column.of == "files":
        return files.join.join(names)
    place = int(column.of.removeprefix("file_"))
    return names[place - 1] if place <= len(names) else None


def _cell(column: Column, value: Value, matter: Matter, said: Csv) -> str:
    text = _text(column, value, matter)
    # Numbers, moments, and what the office has put into the map itself are no formulas.
    foreign = isinstance(value, str) and column.of is not None and column.codes is None
    if column.codes is not None and text in column.codes:
        text = column.codes[text]
    elif column.codes is not None and column.otherwise is not None:
        text = column.otherwise
    elif column.codes is not None and text:
        english = f"{column.column}: the code table has nothing for {text[:40]!r}"
        raise Unwritable(english, "cell.code", column=column.column, text=text[:40])
    if column.required and not text:
        english = f"{column.column}: the case says nothing of it ({column.of}), and it is needed"
        raise Unwritable(english, "cell.empty", column=column.column)
    if foreign and said.formulas == "guard":
        text = guarded(text)
    if column.most is not None and len(text) > column.most:
        english = f"{column.column}: has {len(text)} characters, {column.most} are taken"
        raise Unwritable(english, "cell.long", column=column.column, n=len(text), most=column.most)
    if any(sign in text for sign in "\r\n\0"):
        raise Unwritable(f"{column.column}: holds a line break", "cell.break", column=column.column)
    return text


def _text(column: Column, value: Value, matter: Matter) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(matter.place_time if column.time == "place" else UTC).strftime(column.format)
    if isinstance(value, float) and column.decimals is not None:
        return f"{value:.{column.decimals}f}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


__all__ = ["Filed", "Unwritable", "cells", "files_of", "whole"]
