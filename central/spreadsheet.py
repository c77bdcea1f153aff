"""Text that no spreadsheet takes for a formula, for every table that a person may open in one."""

from typing import Final

#: What makes a spreadsheet take text for a formula, also behind blanks (OWASP, CSV injection).
_BEGINS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")


def guarded(text: str) -> str:
    """`text`, behind an apostrophe where it begins like a formula."""
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_BEGINS) else text


__all__ = ["guarded"]
