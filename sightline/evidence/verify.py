"""`sightline evidence verify`: checks a bundle offline, on a machine that has never seen the system.

From the outside in: the archive, the office's signature over its index, every file's hash; the ledger's head, that it
goes on from what was published, and every entry; then the box's seals, the chain, the pictures, decisions and looks.
Nothing is asked of anybody. What is not in the bundle is who the office is: its key is to be compared with the one
that it has published (`trust`), and its past with the heads that it has published (`heads`).
"""

from dataclasses import dataclass
from pathlib import Path

from contract import stamp
from contract.bundle import ENTRIES
from contract.errors import InputError, SealError
from contract.events import rfc3339
from contract.sealing import thumbprint
from sightline.evidence.content import content
from sightline.evidence.matter import export_of, history, matter
from sightline.evidence.opening import open_bundle, opened
from sightline.evidence.proofs import proven
from sightline.evidence.recording import is_recording, verify_recording
from sightline.evidence.sealed import linked, sealed


@dataclass(frozen=True, slots=True)
class Trust:
    """What the checker knows from elsewhere: the office's key, its published heads, the timestamp authority's root."""

    office: str | None = None
    heads: Path | None = None
    authority: Path | None = None


def verify(path: Path, trust: Trust) -> list[str]:
    """What holds, line by line. Raises SealError with the first thing that does not hold, InputError for no bundle."""
    roots = []
    if trust.authority is not None:
        try:
            roots = stamp.certificates(trust.authority.read_bytes(), str(trust.authority))
        except OSError as error:
            raise InputError(f"{trust.authority}: cannot be read ({error.strerror}) - give the root's PEM") from error
    if is_recording(path):
        return verify_recording(path, trust.office, trust.heads, roots)
    with open_bundle(path) as file:
        bundle = opened(file, trust.office)
        ledger = proven(bundle, trust.heads, roots)
        try:
            said = export_of(bundle, ledger)
            events = sealed(bundle, ledger)
            links = linked(ledger, said)
            matter(bundle, events, said)
            history(bundle, ledger, said)
            manifests = content(bundle, said, events, roots)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SealError(f"{ENTRIES}: an entry is not of the form that this version knows ({error})") from error
    index, head = bundle.index, ledger.head.head
    office = thumbprint(bundle.key)
    same = "the key you gave" if trust.office else "compare it with the one that the office has published (--trust)"
    seen = "as published" if trust.heads else "compare it with the published heads (--heads)"
    lines = [
        f"case {index.case} of box {index.edge}, exported {rfc3339(index.made_at)} for {index.by}: everything holds",
        f"office   {office}: {same}",
        f"ledger   {head.size} entries, goes on from the head of {ledger.published.head.size} of "
        f"{rfc3339(ledger.published.head.at)}: {seen}",
        f"box      {len(events)} events sealed by its key, {links} links of its chain",
        f"pictures {len(bundle.named('original'))} as the box took them, {said.lines} decisions, {said.views} looks",
        manifests,
    ]
    if ledger.stamped is not None:
        lines.append(f"stamped  {rfc3339(ledger.stamped)} by the timestamp authority")
    if said.pending:
        lines.append(f"pending  {len(said.pending)} event(s) of the chain had not arrived: a hole, not a fault")
    lines += [f"missing  {one.sha256}: {one.why}" for one in index.missing]
    return [*lines, *(f"note     {note}" for note in index.notes)]


__all__ = ["Trust", "verify"]
