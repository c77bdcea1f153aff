"""Certificates: the real county of docs/enrolment.md - its own authority, Mosquitto with mTLS - and who is kept out."""

import ssl
from datetime import timedelta
from pathlib import Path

import httpx
import paho.mqtt.client as mqtt
from mtls_peers import Peer, box_settings, county, issue, sightline
from paho.mqtt.enums import CallbackAPIVersion

from central.ca.authority import Authority
from contract.enrolment import renewal_statement
from contract.sealing import sign_detached
from contract.topics import EdgeTopics
from edge.deliver.certificate import ClientCertificate
from edge.deliver.keys import KeyRing
from sightline.bench.central_events import Voice
from tests.bench.intruder_http import csr, token
from tests.bench.intruder_office import Tally, until
from tests.ports import open_port

_CAMERA = [{"id": "cam-1", "url": "rtsp://127.0.0.1:9/", "frame": [320, 192]}]


def attack(folder: Path, tally: Tally) -> None:
    """Certificates of others, of another authority, run out, revoked; and what a revoked box is told over HTTP."""
    with county(folder / "county", open_port(), open_port()) as office:
        broker, ca = office.broker, office.ca.folder / "ca.pem"
        watcher = Peer(broker.port, ca, issue(office.ca, "central", folder / "watcher"))
        watcher.listen("sightline/v1/#")
        own, victim = (issue(office.ca, name, folder / "certs") for name in ("box-1", "box-2"))
        insider = Peer(broker.port, ca, own)
        for name in ("event", "status", "camera/c/status", "sensor/s", "ledger", "reply", "ack", "command"):
            said = insider.publish(f"sightline/v1/box-2/{name}", b"{}")
            tally.told(
                "mTLS: writes under another's id",
                said,
                None if said == "Not authorized" else f"{name}: the broker says {said}",
            )
        insider.listen("sightline/v1/box-2/#", "$share/central/sightline/v1/+/event", "#")
        victim_peer = Peer(broker.port, ca, victim)
        victim_peer.publish(EdgeTopics("box-2").event, b"for central alone")
        until(lambda: any(raw == b"for central alone" for _, raw in watcher.got), "central is handed it")
        heard = [raw for topic, raw in insider.got if "box-2" in topic]
        tally.told("mTLS: listens to another", f"{len(heard)} heard", f"heard {heard}" if heard else None)
        if any(topic.startswith("sightline/v1/box-2/") and raw == b"{}" for topic, raw in watcher.got):
            tally.faults.append("mTLS: something went out under another's id")
        other = Authority.create(folder / "other-ca")
        for name, pair in {
            "of another authority": issue(other, "box-2", folder / "other"),
            "that has run out": issue(office.ca, "box-3", folder / "old", timedelta(seconds=-1)),
            "none at all": None,
        }.items():
            said = _refused(broker.port, ca, pair)
            tally.told(f"mTLS: a certificate {name}", said or "let in", None if said else "is let in")
        for one in (insider, victim_peer, watcher):
            one.close()
        _revoked(folder, office, tally)
        log = (office.folder / "central" / "log").read_text()
        if "Traceback" in log:
            tally.faults.append(f"a trace in central's log: {log[log.index('Traceback') :][:300]}")


def _revoked(folder: Path, office, tally: Tally) -> None:  # type: ignore[no-untyped-def]
    """A box that was let in with the commands and is shut out: broker, media, renewal."""
    config = box_settings(folder / "box-9", "box-9", office, _CAMERA)
    code, _ = office.invitation("box-9")
    sightline("edge", "enrol", code, "--config", config)
    held = ClientCertificate(folder / "box-9" / "data" / "keys")
    voice = Voice("box-9", KeyRing(folder / "box-9" / "data" / "keys").load())
    pair = (held.path, held.path)
    said = _refused(office.broker.port, office.ca.folder / "ca.pem", pair)
    if said:
        tally.faults.append(f"mTLS: a good certificate is refused: {said}")
    sightline("central", "edge", "revoke", "box-9", "--config", office.config)
    office.broker.read_anew(office.config.parent / "data" / "ca" / "crl.pem")
    said = _refused(office.broker.port, office.ca.folder / "ca.pem", pair)
    tally.told("mTLS: a certificate that was revoked", said or "let in", None if said else "is let in")
    request = csr("box-9")
    proof = sign_detached(renewal_statement("box-9", request), voice.key)
    with httpx.Client(base_url=office.url, headers={"Authorization": token(voice)}) as client:
        answers = {
            "media": client.put(
                f"/edge/v1/media/{'a' * 64}", content=b"x", headers={"Upload-Offset": "0", "Upload-Length": "1"}
            ),
            "renewal": client.post("/edge/v1/certificate", json={"csr": request, "proof": proof}),
            "asking": client.get("/edge/v1/certificate"),
        }
        for name, answer in answers.items():
            tally.told(
                f"a revoked box over HTTP: {name}",
                str(answer.status_code),
                None if answer.status_code == 403 else f"is answered {answer.status_code}",
            )
        again = client.post(
            "/edge/v1/enrol", json={"code": code, "edge_id": "box-9", "public_key": {}, "proof": "a..b"}
        )
        tally.told(
            "a revoked box over HTTP: its old code",
            str(again.status_code),
            None if again.status_code == 403 else f"is answered {again.status_code}",
        )


def _refused(port: int, ca: Path, pair: tuple[Path, Path] | None) -> str | None:
    """How a connection ends with this certificate, None when the broker lets it in."""
    joined: list[str] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.tls_set(str(ca), *(map(str, pair) if pair else ()))
    client.on_connect = lambda _c, _d, _f, code, _p: joined.append("in" if not code.is_failure else str(code))
    client.on_disconnect = lambda _c, _d, _f, code, _p: joined.append(f"hung up ({code})")
    try:
        client.connect("127.0.0.1", port)
        client.loop_start()
        until(lambda: joined, "the broker says something", 20)
    except (ssl.SSLError, OSError) as error:
        return str(error)[:80]
    finally:
        client.loop_stop()
        client.disconnect()
    return None if joined[0] == "in" else joined[0]


__all__ = ["attack"]
