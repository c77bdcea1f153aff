"""Precheck of a candidate: each check with its result, shown on the page and never hidden (domain sections B2, B5).

What is asked for stands in the profile of the decision's jurisdiction (`configs/jurisdictions/`), measured by the
very function that the edge marks its packs with. What fails here flags the case. A seal that does not hold and a fact
that exempts the vehicle keep a case from review; a clock that nobody vouches for holds it until a person has said what
the time is established from, and is asked of the reviewer, because such a record cannot be evidence by itself. What
central's own books say (sites, lists, other cases) is asked anew whenever the case is shown: they change after it was
opened.
"""

from central.tickets.precheck.books import of_books
from central.tickets.precheck.clock import CLOCK_FACT, clock_error, clock_question, clock_words
from central.tickets.precheck.hard import held
from central.tickets.precheck.order import ORDER, ordered
from central.tickets.precheck.pack import as_json, of_decision, of_evidence, of_plate, suppressed
from central.tickets.precheck.profiles import own_profiles, profile_of

__all__ = [
    "CLOCK_FACT",
    "ORDER",
    "as_json",
    "clock_error",
    "clock_question",
    "clock_words",
    "held",
    "of_books",
    "of_decision",
    "of_evidence",
    "of_plate",
    "ordered",
    "own_profiles",
    "profile_of",
    "suppressed",
]
