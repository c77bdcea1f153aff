"""Which site other offices mean: they write the name of a place, its number or its id, each in their own hand."""

import unicodedata
from dataclasses import dataclass, field
from typing import Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.sites import Site


@dataclass(frozen=True, slots=True)
class Sites:
    """The sites that central knows: what one may be called (its id, its name) -> which of them that can be."""

    called: dict[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def registered(cls, session: Session) -> Self:
        """Those of the register, with one query."""
        called: dict[str, frozenset[str]] = {}
        for site, name in session.execute(select(Site.site, Site.name)):
            for word in {_plain(site), _plain(name)}:
                called[word] = called.get(word, frozenset()) | {site}
        return cls(called)

    def same(self, written: str | None, site: str) -> bool | None:
        """Whether `written` means `site`. A record without a place is taken for it; None: no site is called that."""
        word = _plain(written or "")
        if not word or word == _plain(site):
            return True
        meant = self.called.get(word)
        return site in meant if meant else None


def _plain(text: str) -> str:
    """Letters and digits alone: spaces, dashes, width and capitals are no difference."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).casefold() if sign.isalnum())


__all__ = ["Sites"]
