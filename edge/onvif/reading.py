"""Elements of an answer by their plain names, whatever prefixes a camera writes and whether it declares them."""

from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

#: Reads what can be read, and nothing from elsewhere.
_PARSER: Final = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False)


class Reading:
    """An answer. `root` is None for what is no XML at all."""

    def __init__(self, raw: bytes) -> None:
        try:
            self.root: Any = etree.fromstring(raw, _PARSER)
        except (etree.XMLSyntaxError, ValueError):
            self.root = None

    def every(self, name: str) -> Iterator[Any]:
        """All elements of that plain name, in the order of the answer."""
        if self.root is not None:
            yield from (one for one in self.root.iter() if isinstance(one.tag, str) and plain(one.tag) == name)

    def first(self, name: str) -> Any:
        """The first one; None when there is none."""
        return next(self.every(name), None)

    def text(self, name: str) -> str | None:
        """What stands in the first one."""
        found = self.first(name)
        return None if found is None else (found.text or "").strip()

    def number(self, element: str, attribute: str) -> float | None:
        """A number in an attribute of the first one; None for anything else."""
        found = self.first(element)
        try:
            return None if found is None else float(found.get(attribute, ""))
        except ValueError:
            return None


def plain(tag: str) -> str:
    """`{namespace}Name` or `prefix:Name` without what stands before the name."""
    return tag.rsplit("}", 1)[-1].rsplit(":", 1)[-1]


__all__ = ["Reading", "plain"]
