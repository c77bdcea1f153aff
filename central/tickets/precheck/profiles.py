"""The profile by which a case is measured: the project's own, or a place's, from the folder that the settings name."""

from functools import cache
from pathlib import Path
from typing import Final

from contract.errors import ConfigError
from contract.jurisdiction import load_profile
from contract.profile import Profile

#: By whose limits and words a case is measured whose own profile is not known here.
_STRICTEST: Final = "cn-default"
_folder: Path | None = None


def own_profiles(folder: Path | None) -> Path | None:
    """From now on profiles of places are looked for in `folder`; returns the one before. None: none are known here."""
    global _folder
    before, _folder = _folder, folder
    return before


def profile_of(jurisdiction: str) -> Profile | None:
    """The profile of that name, None where it is a place's own, which central was not given."""
    return _loaded(jurisdiction, _folder)


def counted_by(jurisdiction: str) -> Profile:
    """The profile by which a case is measured: its own, or the strictest of ours where that is not known here."""
    return profile_of(jurisdiction) or _strictest()


@cache
def _strictest() -> Profile:
    return load_profile(_STRICTEST)


@cache
def _loaded(jurisdiction: str, folder: Path | None) -> Profile | None:
    try:
        return load_profile(jurisdiction, folder=folder)
    except ConfigError:
        return None


__all__ = ["counted_by", "own_profiles", "profile_of"]
