"""What an intruder sends to central over MQTT: real sealed events of a box, mutated with knowledge of their structure.

Two intruders. The *stranger* has no key that central knows; he has overheard the events of a victim, knows every public
key, and writes on any topic. The *insider* is a box that was let in and then taken over: it seals with its own, valid
key whatever it likes. Nothing of the stranger's may be admitted. Of the insider's nothing that is no event of its own:
a `must` shot is wrong by its making and must be refused; the others may fit the schema by accident, and then count as
what the insider says of itself.
"""

import base64
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from contract.sealing import new_key, thumbprint
from contract.topics import EdgeTopics
from sightline.bench.central_events import Sealed, Voice


@dataclass(frozen=True, slots=True)
class Shot:
    """One message. `must`: it must not be admitted; `names`: MQTT user properties in their order."""

    kind: str
    topic: str
    raw: bytes
    names: tuple[tuple[str, str], ...] = ()
    must: bool = True


def b64(raw: bytes) -> str:
    """As JWS writes bytes."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Intruder:
    """Both of them, from one seed. `heard`: events of the victims that were overheard."""

    def __init__(self, rng: random.Random, victims: list[Voice], heard: list[Sealed], insider: Voice) -> None:
        self.rng, self.victims, self.heard, self.insider = rng, victims, heard, insider
        self.own = new_key()
        self.seq = 0
        self._voice = insider.speak()
        self.owner = {one.id: voice for voice in victims for one in heard if voice.edge_id.encode() in one.raw}

    def shots(self, count: int, families: "Sequence[Family]", huge: "Sequence[Family]") -> Iterator[Shot]:
        """`count` of them; each family as often as the others, huge ones rarely."""
        for number in range(count):
            if number % 499 == 498:
                yield self.rng.choice(huge)(self)
            else:
                yield families[number % len(families)](self)

    # -- helpers of the families ------------------------------------------------------------------------------------

    def one(self) -> tuple[Voice, Sealed]:
        """An event that was overheard, and whose it is."""
        sealed = self.rng.choice(self.heard)
        return self.owner[sealed.id], sealed

    def fresh(self) -> dict[str, Any]:
        """A new true event of the insider, not sent yet, as a tree."""
        tree: dict[str, Any] = json.loads(next(self._voice).raw)
        self.seq += 1
        tree["data"]["chain"] |= {"id": f"insider-{self.seq % 7}", "seq": self.seq}
        return tree

    def sealed(self, kind: str, raw: bytes, *, must: bool = True, topic: str | None = None) -> Shot:
        """`raw` with the insider's own, valid seal."""
        header = {"alg": "EdDSA", "kid": thumbprint(self.insider.key), "b64": False, "crit": ["b64"]}
        seal = signed(self.insider.key, header, raw)  # the box's own library would not sign what is no UTF-8
        return Shot(kind, topic or EdgeTopics(self.insider.edge_id).event, raw, (("jws", seal),), must)

    def text(self, tree: Any) -> bytes:
        """JSON as pydantic would write it, with what JSON does not know where there is such."""
        return json.dumps(tree, separators=(",", ":"), ensure_ascii=self.rng.random() < 0.5).encode(
            "utf-8", "surrogatepass"
        )


def renamed(one: Intruder, sealed: Sealed) -> bytes:
    """An overheard event under a new id: the very thing a forger wants to have admitted."""
    return sealed.raw.replace(sealed.id.encode(), f"f0{one.rng.randrange(16**10):010x}".encode())


def signed(key: OKPKey, header: dict[str, Any], raw: bytes) -> str:
    """Whatever header, and an honest Ed25519 signature over it."""
    head = b64(json.dumps(header).encode())
    secret = base64.urlsafe_b64decode(str(key.as_dict(private=True)["d"]) + "==")
    return f"{head}..{b64(Ed25519PrivateKey.from_private_bytes(secret).sign(head.encode() + b'.' + raw))}"


Family = Callable[[Intruder], Shot]

__all__ = ["Family", "Intruder", "Shot", "b64", "renamed", "signed"]
