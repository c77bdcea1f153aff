"""Which lists there are, and which fact of configs/facts.yaml a list of plates tells."""

from typing import Final

#: List of plates -> the fact that it tells. No list decides by itself: a person answers, or reads it beside the case.
PLATES: Final = {
    "stolen": "stolen_or_cloned",
    "cloned": "stolen_or_cloned",
    "emergency": "emergency_vehicle",
    "exempt": "exempt_vehicle",
    "permit": "disabled_permit",
    "works": "works_vehicle",
}
REGISTER: Final = "register"
ON_SITE: Final = "on_site"
REPORTS: Final = "reports"
#: Lists of matters that others have already.
HANDLED: Final = (ON_SITE, REPORTS)

__all__ = ["HANDLED", "ON_SITE", "PLATES", "REGISTER", "REPORTS"]
