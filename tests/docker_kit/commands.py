"""Command lines, variables and routes, asked of the code itself."""

import ast
import json
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import typer
from typer.core import TyperGroup

from tests.conftest import ROOT
from tests.ports import open_port


def wrong(words: list[str]) -> str | None:
    """Why `sightline WORDS` is not a command line that the program takes, None when it is. Nothing is run."""
    return _wrong(tuple(words))


#: Typer carries click within itself since 0.16; this is its class for every command line that is refused.
_REFUSED: Any = typer.BadParameter.__mro__[2]


@cache
def _program() -> Any:
    from sightline.cli import app

    return typer.main.get_command(app)


@cache
def _wrong(words: tuple[str, ...]) -> str | None:
    asks = words[-1:] == ("--help",)
    rest = list(words[:-1] if asks else words)
    command, context, name = _program(), None, "sightline"
    try:
        while isinstance(command, TyperGroup):
            if not rest:
                return None if asks else f"{name}: names no command"
            context = command.make_context(name, rest, parent=context)
            found, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
            name = found or name
        if not asks:
            command.make_context(name, rest, parent=context)
    except _REFUSED as error:
        return str(error.format_message())
    return None


@cache
def environment_read() -> frozenset[str]:
    """Every variable of the environment that our own code reads by name."""
    found: set[str] = set()
    for room in ("contract", "survey", "edge", "central", "models", "sightline"):
        for path in (ROOT / room).rglob("*.py"):
            found |= set(_read(ast.parse(path.read_text(encoding="utf-8"))))
    return frozenset(found)


def _read(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            where, given = ast.unparse(node.func), node.args[:1]
            if where in {"os.environ.get", "os.getenv"} and given and isinstance(given[0], ast.Constant):
                yield str(given[0].value)
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Constant)
            and ast.unparse(node.value) == "os.environ"
        ):
            yield str(node.slice.value)


@cache
def central_answers(path: str, method: str = "get") -> bool:
    """Whether central has that route, by its own description."""
    from central.api.describe import document

    return method in json.loads(document())["paths"].get(path, {})


@cache
def edge_answers(path: str) -> bool:
    """Whether a box that runs nothing yet answers `path` with what is meant for it (200, or 503: not well)."""
    from edge.box import Folders
    from edge.gaps import GapBook
    from edge.health import Health, serve

    with tempfile.TemporaryDirectory() as empty:
        folders = Folders(Path(empty))
        server = serve(Health([], folders, GapBook("edge-01", folders, {})), open_port())
        assert server is not None
        try:
            with urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=10) as answer:
                return answer.status == 200
        except HTTPError as error:
            return error.code == 503
        finally:
            server.close()
