"""What a box says that a pack lacks, in the reader's language.

A box seals what is lacking as a sentence of its own, in English (`contract.pack_check`, `edge.evidence`). The English
catalogue has these sentences with `{}` for what changes, and is what a sentence is known by.
"""

import re
from functools import cache

from central.web.language import Language, load

_KEY = "lack."
#: What a role of a picture is called when it stands in a sentence.
_ROLE = "lack.role"


def in_words(sentence: str, say: Language) -> str:
    """The sentence in the reader's language; as the box put it where the catalogue does not know it."""
    for key, pattern in _known():
        if found := pattern.fullmatch(sentence):
            given = found.groups()
            if key == _ROLE:
                given = (say.known(f"role.{given[0]}", given[0]),)
            return say.sentences[key].format(*given)
    return sentence


@cache
def _known() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Sentences with fewer gaps first: what is all gaps fits nearly everything."""
    said = {key: text for key, text in load("en").sentences.items() if key.startswith(_KEY)}
    ordered = sorted(said.items(), key=lambda one: (one[1].count("{}"), -len(one[1])))
    return tuple((key, re.compile(re.escape(text).replace(r"\{\}", "(.+?)"))) for key, text in ordered)


__all__ = ["in_words"]
