"""What the settings files of both sides have in common: how a fault in one is told in a line."""

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator


def _no_nul(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("holds a NUL character - no path does")
    return path


#: A path that an operating system can be asked about.
Readable = Annotated[Path, AfterValidator(_no_nul)]


def why_unread(error: Exception) -> str:
    """Why a file is not the YAML it should be, with the line where the parser names one."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        where = f" (line {mark.line + 1})" if mark else ""
        return f"is not YAML: {error.problem or error.context}{where}"
    if isinstance(error, yaml.YAMLError | UnicodeDecodeError):
        return "is not YAML: not a text in UTF-8"
    if isinstance(error, RecursionError):
        return "is not YAML: too deep"
    return f"holds a value that cannot be read ({(str(error).splitlines() or ['?'])[0][:80]})"


def why_refused(first: Any) -> str:
    """One complaint of pydantic (an item of `ValidationError.errors()`) as part of a sentence."""
    if first["type"] == "extra_forbidden":
        return "is not a setting"
    if first["type"] == "missing":
        return "is missing"
    if first["type"] in {"model_type", "model_attributes_type", "dict_type"}:
        return "must be keys with values"
    return str(first["msg"]).removeprefix("Value error, ")


__all__ = ["Readable", "why_refused", "why_unread"]
