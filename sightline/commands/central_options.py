"""What every command of central asks for."""

from pathlib import Path
from typing import Annotated

import typer

ConfigPath = Annotated[
    Path, typer.Option("--config", help="Settings of central (YAML), every key in docs/configuration.md.")
]

__all__ = ["ConfigPath"]
