"""Reading a site file from YAML so that every complaint names file, line and key.

site.yaml:17  cameras[0].zones[2].polygon crosses itself ... - redraw it
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from contract.crossed import crossings
from contract.errors import SiteError
from contract.jurisdiction import names
from contract.site import Site

MAX_BYTES = 1_000_000
#: Levels of lists and mappings; the deepest thing a site file has is a point of a lane of a zone.
MAX_DEPTH = 20
_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A site as it was read: the model and the SHA-256 (hex) of the very bytes, which every event names."""

    site: Site
    sha256: str
    path: Path


def load_site(path: Path) -> SiteFile:
    """Read and check a site file. Raises SiteError with one line per complaint (the first five)."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SiteError(f"{path}: cannot be read ({error.strerror}) - give the path of a site file") from error
    if len(raw) > MAX_BYTES:
        raise SiteError(f"{path}: is over {MAX_BYTES} bytes - a site file is a few kilobytes of YAML")
    site, lines = _read(raw, path)
    known = names(path)
    if site.jurisdiction not in known:
        line = _line(lines, ("jurisdiction",))
        said = f"jurisdiction {site.jurisdiction!r} has no profile - known are: {', '.join(known)}"
        raise SiteError(f"{path}:{line}  {said}")
    bad = [
        f"{path}:{_line(lines, _split(index, where))}  {_dotted(_split(index, where))} {why}"
        for index, camera in enumerate(site.cameras)
        for where, why in crossings(camera)
    ]
    if bad:
        raise SiteError("\n".join(bad[:5]))
    return SiteFile(site, hashlib.sha256(raw).hexdigest(), path)


def site_of(raw: bytes, where: str) -> Site:
    """The site in the bytes of a file as it was in force somewhere: profiles and lists it names are not looked for.

    Raises SiteError naming `where`.
    """
    if len(raw) > MAX_BYTES:
        raise SiteError(f"{where}: is over {MAX_BYTES} bytes - a site file is a few kilobytes of YAML")
    return _read(raw, Path(where))[0]


def _read(raw: bytes, path: Path) -> tuple[Site, dict[_Path, int]]:
    lines = dict(_lines(_compose(raw, path), ()))
    try:
        return Site.model_validate(_values(raw, path)), lines
    except ValidationError as error:
        raise SiteError(_complaints(path, lines, error)) from error


def line_of(path: Path, at: _Path) -> int:
    """The line on which a key of a site file stands, 1 where it cannot be said: for complaints made after reading."""
    try:
        return _line(dict(_lines(_compose(path.read_bytes(), path), ())), at)
    except (OSError, SiteError):
        return 1


def _values(raw: bytes, path: Path) -> Any:
    """What the YAML says. A value may have the look of a date or a number and yet be none (2026-13-45)."""
    try:
        return yaml.safe_load(raw)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise SiteError(f"{path}:{line}  {error.problem or 'cannot be read'} - write a plain value") from error
    except (ValueError, AttributeError, RecursionError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SiteError(f"{path}:1  a value cannot be read ({said[:80]}) - put names and dates in quotes") from error


def _compose(raw: bytes, path: Path) -> yaml.Node:
    try:
        _refuse_knots(raw, path)
        node = yaml.compose(raw, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise SiteError(f"{path}:{line}  is not YAML: {error.problem or error.context} - mend that line") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise SiteError(f"{path}:1  is not YAML text ({type(error).__name__}) - give a UTF-8 site file") from error
    if not isinstance(node, yaml.MappingNode):
        raise SiteError(f"{path}:1  is not a site file - it begins with `site:`, `name:`, `timezone:`")
    _refuse_twins(node, path)
    return node


def _refuse_knots(raw: bytes, path: Path) -> None:
    """Aliases and abysses: both let a small file cost a great deal."""
    depth = 0
    for event in yaml.parse(raw, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise SiteError(f"{path}:{line}  aliases (*name) are not read in site files - write the value out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise SiteError(f"{path}:{line}  is nested over {MAX_DEPTH} deep - a site file is not, mend the brackets")


def _refuse_twins(node: yaml.Node, path: Path) -> None:
    """YAML keeps the last of two equal keys in silence; here that could lose a zone."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if str(key.value) in seen:
                line = key.start_mark.line + 1
                raise SiteError(f"{path}:{line}  {key.value} is given twice - keep one of them")
            seen.add(str(key.value))
            _refuse_twins(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_twins(value, path)


def _lines(node: yaml.Node, at: _Path) -> Iterator[tuple[_Path, int]]:
    yield at, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*at, str(key.value), "<key>"), key.start_mark.line + 1
            yield from _lines(value, (*at, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _lines(value, (*at, index))


def _line(lines: dict[_Path, int], at: _Path) -> int:
    if (*at, "<key>") in lines:
        return lines[(*at, "<key>")]
    while at and at not in lines:
        at = at[:-1]
    return lines.get(at, 1)


def _complaints(path: Path, lines: dict[_Path, int], error: ValidationError) -> str:
    said = []
    for one in error.errors(include_url=False):
        at = tuple(part for part in one["loc"] if not _is_tag(part))
        said.append(f"{path}:{_line(lines, at)}  {_sentence(at, one)}")
    return "\n".join(dict.fromkeys(said[:5]))


def _is_tag(part: str | int) -> bool:
    """Pydantic names the branch of a union in the location; a reader has no such key."""
    return isinstance(part, str) and (part in {"Signal"} or part.startswith(("literal[", "function-")))


def _sentence(at: _Path, one: Any) -> str:
    name = _dotted(at)
    if one["type"] == "extra_forbidden":
        return f"{name} is not a key of a site file - remove it or mend its spelling"
    if one["type"] == "missing":
        return f"{name} is missing - add it"
    message = str(one["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}" if name else message


def _dotted(at: _Path) -> str:
    text = ""
    for part in at:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text


def _split(camera: int, where: str) -> _Path:
    parts: list[str | int] = ["cameras", camera]
    parts += [int(part) if part.isdigit() else part for part in where.split(".")]
    return tuple(parts)
