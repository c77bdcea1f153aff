"""The forgery campaign: true bundles must hold, forged bundles and databases must not, and each says what and where.

    python -m tests.bench.forgery --count 1000 --seed 1

`--count` untouched bundles of as many cases are made and checked, and as many forgeries: three of five of bundles, two
of the database. Forgery k is of seed SEED + k. Prints a table and leaves with 1 when one passed or a true one did not.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bundle_kit import Bureau, bureau
from sqlalchemy import text

from central.db.database import Database
from central.media.folder import FolderStore
from contract.errors import SightlineError
from sightline.evidence.auditing import findings
from sightline.evidence.export import Office
from sightline.evidence.verify import verify
from tests.bench import forgery_bundles, forgery_database


@dataclass
class Tally:
    """What a campaign found."""

    true: int = 0
    false_alarms: list[str] = field(default_factory=list)
    forged: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    examples: dict[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return not (self.false_alarms or self.missed or self.unnamed)

    def told(self, name: str, said: str | None, words: tuple[str, ...], seed: int) -> None:
        """One forgery and what was said of it."""
        self.forged[name] += 1
        if said is None:
            self.missed.append(f"{name} (seed {seed})")
        elif not any(word in said for word in words):
            self.unnamed.append(f"{name} (seed {seed}): {said[:200]}")
        else:
            self.examples.setdefault(name, said.splitlines()[0][:180])


def campaign(folder: Path, count: int, seed: int, forgeries: int | None = None) -> Tally:
    """Make `count` cases, check them all, and forge `forgeries` times (default: as often)."""
    tally, made = Tally(), forgeries or count
    office = bureau(folder / "office")
    for _ in range(count):
        office.case()
    office.publish()
    bundles = [office.bundle(case, folder / f"{case}.zip") for case in office.cases]
    for path in bundles:
        tally.true += 1
        try:
            verify(path, office.trust)
        except SightlineError as error:
            tally.false_alarms.append(f"{path.name}: {error}")
    share = made * 3 // 5
    for number in range(share):
        _bundle(tally, office, bundles, seed + number)
    _databases(tally, folder, made - share, seed)
    return tally


def _bundle(tally: Tally, office: Bureau, bundles: list[Path], seed: int) -> None:
    rng = random.Random(seed)
    mutation = forgery_bundles.MUTATIONS[seed % len(forgery_bundles.MUTATIONS)]
    forged = mutation(rng.choice(bundles).read_bytes(), rng, office)
    path = bundles[0].with_name("forged.zip")
    path.write_bytes(forged.raw)
    said = None
    try:
        verify(path, office.trust)
    except SightlineError as error:
        said = str(error)
    tally.told(f"bundle: {mutation.__name__}", said, forged.names, seed)


def _databases(tally: Tally, folder: Path, count: int, seed: int) -> None:
    """A small office of its own: an audit reads all of it."""
    office = bureau(folder / "small")
    for _ in range(6):
        office.case()
    office.publish()
    for said in findings(office.office, office.heads):
        tally.false_alarms.append(f"audit: {said}")
    with office.db.engine.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    for number in range(count):
        change = forgery_database.CHANGES[number % len(forgery_database.CHANGES)]
        rng = random.Random(seed + number)
        copy = folder / "forged"
        shutil.copytree(office.folder, copy)
        word = forgery_database.forged(copy, change, rng)
        tally.told(f"database: {change.__name__}", _audited(copy, office), (word,), seed + number)
        shutil.rmtree(copy)


def _audited(copy: Path, office: Bureau) -> str | None:
    """Every finding of an audit of the copy, against the heads as the world holds them."""
    db = Database(f"sqlite:///{copy / 'central.sqlite'}")
    try:
        said = list(findings(Office(db, FolderStore(copy / "media", 10_000_000), office.key), office.heads))
    finally:
        db.close()
    return "\n".join(said) or None


def main() -> int:
    """Run, print, and leave with 0 when nothing was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.forgery", description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sightline-forgery-") as folder:
        tally = campaign(Path(folder), chosen.count, chosen.seed)
    for name, number in sorted(tally.forged.items()):
        print(f"{number:5}  {name}: {tally.examples.get(name, 'NOT NAMED')}")
    for kind in ("false_alarms", "missed", "unnamed"):
        for line in getattr(tally, kind):
            print(f"{kind}: {line}")
    caught = sum(tally.forged.values()) - len(tally.missed)
    print(
        f"{tally.true} untouched bundles, {len(tally.false_alarms)} false alarms; {sum(tally.forged.values())} forgeries, "
        f"{caught} detected, {len(tally.unnamed)} of them without a name; {time.monotonic() - begun:.0f} s"
    )
    return 0 if tally.holds else 1


if __name__ == "__main__":
    sys.exit(main())
