"""What the desk needs for everything after approval, put together from the settings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from central.config import CentralConfig
from central.export.fieldmap import Read, load_map
from central.notices.rules import NoticeRules
from central.recordings.rules import RecordingRules

if TYPE_CHECKING:
    from central.redaction.redactor import Redactor

#: Gives the redactor of this machine. Raises ModelError where its weights are not here.
MakeRedactor = Callable[[], "Redactor"]


@dataclass(frozen=True, slots=True)
class After:
    """The field map of the police system, the folders of archives and of redacted copies, what recordings go by that
    are handed out, and what notices go by.

    Without `redactor` no still is shown to the public.
    """

    map: Read
    exports: Path
    copies: Path
    recordings: RecordingRules
    notices: NoticeRules = field(default_factory=NoticeRules)
    redactor: MakeRedactor | None = None


def after_of(config: CentralConfig, redactor: MakeRedactor | None = None) -> After:
    """As these settings say. Raises ConfigError for a field map that does not hold."""
    read = load_map(config.export.map)
    return After(
        read, config.export_folder, config.copies_folder, config.recording_rules, config.notice_rules, redactor
    )


def shipped(folder: Path, redactor: MakeRedactor | None = None) -> After:
    """As without settings, with its files below `folder`."""
    rules = RecordingRules(folder / "recordings")
    return After(load_map(None), folder / "exports", folder / "copies", rules, redactor=redactor)


__all__ = ["After", "MakeRedactor", "after_of", "shipped"]
