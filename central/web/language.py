"""What the pages say, in which language: catalogues that are data, a folder a language and a flat JSON file a part.

The reader's choice (a cookie set by the switch) wins over the browser's Accept-Language; English is the last resort.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "messages"
COOKIE = "sightline_language"
#: Order is the order of the switch. The first is also the one for browsers that name neither.
LANGUAGES = {"en": "English", "zh-CN": "简体中文"}
DEFAULT = "en"

_RANGE = re.compile(r"\s*([A-Za-z*][A-Za-z0-9-]*)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*")


@dataclass(frozen=True, slots=True)
class Language:
    """One language's sentences. `tag` is the BCP 47 tag for `<html lang>`."""

    tag: str
    sentences: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """The sentence of `key` with `values` put in. Raises KeyError for a key that no catalogue has."""
        return self.sentences[key].format(**values)

    def known(self, key: str, otherwise: str) -> str:
        """The sentence of `key`, or `otherwise`: for names that boxes may invent (numbers, facts)."""
        return self.sentences.get(key, otherwise)

    @property
    def other(self) -> str:
        """The tag that the switch offers."""
        return next(tag for tag in LANGUAGES if tag != self.tag)


@cache
def load(tag: str) -> Language:
    """The language of `tag`, which must be one of LANGUAGES. Raises ValueError when two parts say the same key."""
    sentences: dict[str, str] = {}
    for part in sorted((FOLDER / tag).glob("*.json")):
        said = json.loads(part.read_text(encoding="utf-8"))
        if twice := sentences.keys() & said.keys():
            raise ValueError(f"{part}: {min(twice)!r} is said in another part too - keep one of them")
        sentences |= said
    return Language(tag, sentences)


def choose(cookie: str | None, accept: str | None) -> Language:
    """The reader's language from the switch's cookie, else from Accept-Language (RFC 9110 12.5.4)."""
    if cookie in LANGUAGES:
        return load(cookie)
    for tag in _preferred(accept or ""):
        if tag == "zh" or tag.startswith("zh-"):
            return load("zh-CN")
        if tag == "en" or tag.startswith("en-"):
            return load("en")
    return load(DEFAULT)


def _preferred(accept: str) -> list[str]:
    """Language ranges of the header, most wanted first; what is malformed is passed over."""
    weighed = []
    for place, part in enumerate(accept[:1000].split(",")):
        match = _RANGE.fullmatch(part)
        if match and (weight := float(match[2] or 1)) > 0:
            weighed.append((-weight, place, match[1].lower()))
    return [tag for _, _, tag in sorted(weighed)]
