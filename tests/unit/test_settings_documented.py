"""docs/configuration.md names every setting of both sides with its default, and none that is not there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from central.config import CentralConfig
from edge.config import EdgeConfig

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
ROW = re.compile(r"^\| `([a-z0-9_.]+)` \| (.+?) \|", re.MULTILINE)


def settings(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(key, default as the page writes it) of every setting, nested ones with dots."""
    for name, field in model.model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        inner = next((one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)), None)
        if inner is not None:
            yield from settings(inner, f"{prefix}{name}.")
            continue
        default = field.default
        if default is PydanticUndefined:
            yield prefix + name, "needed"
        elif default is None:
            yield prefix + name, "none"
        else:
            yield prefix + name, f"`{str(default).lower() if isinstance(default, bool) else default}`"


@pytest.mark.parametrize(("title", "model"), [("Central", CentralConfig), ("Edge", EdgeConfig)])
def test_every_setting_is_documented_with_its_default(title: str, model: type[BaseModel]) -> None:
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]
    assert dict(ROW.findall(section)) == dict(settings(model))
