"""The certificate is renewed before it ends, by the box itself: nobody has to visit it.

A thread asks central each hour; the loop of deliver only looks at what came of it. It is over HTTP and with the sealing
key, so that a box whose certificate has ended already gets the next one as well.
"""

import logging
import queue
import threading
from dataclasses import dataclass

from joserfc.jwk import OKPKey

from contract.enrolment import renewal_statement
from contract.errors import CentralError, SightlineError
from contract.events import now as clock
from contract.sealing import sign_detached
from edge.config import EdgeConfig
from edge.deliver.asking import ask
from edge.deliver.certificate import ClientCertificate, Held, broker_of
from edge.deliver.link import Link
from edge.deliver.transfer import token

log = logging.getLogger("sightline.deliver")

EVERY_S = 3600.0
_SHORTEST_S = 60.0
#: A certificate is renewed when this share of its life is left; when this small a share is left, a person is told.
_DUE, _LATE = 1 / 3, 1 / 9
_PATH = "/edge/v1/certificate"


@dataclass(frozen=True, slots=True)
class _Round:
    """What came of asking: whether there is a new certificate, or why there is none."""

    renewed: bool
    problem: str | None = None
    late: bool = False


class Renewer:
    """Called from the loop alone. Does nothing on a box that meets the broker by other means."""

    def __init__(self, config: EdgeConfig, key: OKPKey, link: Link, wake: threading.Event) -> None:
        self.problem: str | None = None
        self._config, self._key, self._link, self._wake = config, key, link, wake
        self._own = ClientCertificate(config.data_dir / "keys")
        self._used = broker_of(config).tls_cert == self._own.path
        self._rounds: queue.SimpleQueue[_Round] = queue.SimpleQueue()
        self._next = 0.0
        self._failures = 0
        self._asking = False

    def turn(self, now: float) -> None:
        """At monotonic second `now`: note what came of asking, ask when it is time."""
        if not self._used:
            return
        while not self._rounds.empty():
            self._settle(self._rounds.get_nowait(), now)
        if not self._asking and now >= self._next:
            self._asking = True
            # It ends with the process: what it leaves half-way is asked again with the same key.
            threading.Thread(target=self._work, name="renewal", daemon=True).start()

    def _settle(self, done: _Round, now: float) -> None:
        self._asking = False
        self._failures = self._failures + 1 if done.problem else 0
        self._next = now + (min(_SHORTEST_S * 2.0 ** (self._failures - 1), EVERY_S) if done.problem else EVERY_S)
        if done.renewed:
            self._link.certificate_changed()
        if done.problem is not None and self._failures == 1:
            log.warning("%s", done.problem)
        self.problem = done.problem if done.late else None

    def _work(self) -> None:
        try:
            done = _Round(renew_when_due(self._config, self._key))
        except (SightlineError, OSError) as error:
            done = _Round(False, f"the box's certificate cannot be renewed: {error}", self._is_late())
        self._rounds.put(done)
        self._wake.set()

    def _is_late(self) -> bool:
        try:
            held = self._own.held()
        except SightlineError:
            return True
        return held is None or _left(held) < _LATE


def renew_when_due(config: EdgeConfig, key: OKPKey) -> bool:
    """Renew the certificate if a third of its life or less is left, or if central asks for it; whether it was renewed.

    Raises CentralError, ConfigError or OSError.
    """
    own = ClientCertificate(config.data_dir / "keys")
    held = own.held()
    if held is None:
        return False
    if _left(held) > _DUE:
        state = ask(config.central, _PATH, token=token(key, config.edge_id))
        if state.status != 200:
            raise CentralError(f"{state.address}: {state.why}")
        if state.said.get("renew") is not True:
            return False
    request = own.request(config.edge_id, fresh=False)
    body = {"csr": request, "proof": sign_detached(renewal_statement(config.edge_id, request), key)}
    answer = ask(config.central, _PATH, body, token(key, config.edge_id))
    if answer.status != 200:
        if 400 <= answer.status < 500:
            own.discard()
        raise CentralError(f"{answer.address}: {answer.why}")
    certificate, ca = str(answer.said.get("certificate")), str(answer.said.get("ca"))
    if not own.same_authority(ca):
        raise CentralError(f"{answer.address}: has another authority than the box was enrolled with - enrol it again")
    own.accept(config.edge_id, certificate, ca)
    log.info("the box has a new certificate")
    return True


def _left(held: Held) -> float:
    """The share of its life that is left; below 0 when it has ended."""
    return (held.end - clock()) / (held.end - held.begin)


__all__ = ["Renewer", "renew_when_due"]
