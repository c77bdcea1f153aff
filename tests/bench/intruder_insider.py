"""The insider's families: a box that was let in seals, with its own valid key, whatever it likes."""

import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from typing import Any

from contract.sealing import thumbprint
from contract.topics import EdgeTopics
from tests.bench.intruder_shots import Family, Intruder, Shot, signed

#: Values for any place of an event, each of some type it is not.
ODD: tuple[Any, ...] = (
    None, True, "", "x", [], {}, 0, -1, 2**31, 2**63, 2**64, -(2**63), 10**250, 1e308, -1e308, 5e-324, -0.0, 0.1,
    float("nan"), float("inf"), float("-inf"), "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\u202e", "\ufeff", "\x1b[31m",
    "a" * 300, "\u5b57" * 5000, "../../../etc/passwd", "..\\..\\x", "<script>alert(1)</script>", "{{7*7}}", "${jndi:ldap://x}",
    "'; DROP TABLE events; --", "%s%s%n", "\r\nSet-Cookie: a=b", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999+14:00",
    "2026-02-30T00:00:00Z", "1e400", [[]] * 3, [None] * 50, {"": None}, {"__proto__": 1}, {"a": {"b": {"c": []}}},
    [1e308, -1e308, 1e308, -1e308], [[1e308, 1e308], [-1e308, 0]], "0" * 64, "f" * 64,
)  # fmt: skip


def odd(rng: random.Random) -> Any:
    """One of them, to be kept."""
    return deepcopy(rng.choice(ODD))


def odd_value(one: Intruder) -> Shot:
    """One, two or three values of a true event are something else."""
    tree = one.fresh()
    for _ in range(one.rng.randint(1, 3)):
        parent, name = one.rng.choice(list(_places(tree)))
        parent[name] = odd(one.rng)
    return one.sealed("insider: odd values", one.text(tree), must=False)


def reshaped(one: Intruder) -> Shot:
    """Names taken away, added, moved."""
    tree = one.fresh()
    holders = [parent for parent, name in _places(tree) if isinstance(parent, dict)]
    for _ in range(one.rng.randint(1, 3)):
        parent = one.rng.choice(holders)
        if parent and one.rng.random() < 0.5:
            del parent[one.rng.choice(list(parent))]
        else:
            parent[one.rng.choice(["x", "__class__", "", "replay", "chain", "id", "\u0000", "a" * 1000])] = odd(one.rng)
    return one.sealed("insider: names missing, added", one.text(tree), must=False)


def doubled(one: Intruder) -> Shot:
    """A name that stands twice, the second time with another value; balanced with blanks, or spelt with escapes."""
    tree = one.fresh()
    raw = json.dumps(tree, separators=(",", ":"))
    name, value = one.rng.choice(
        [("edge_id", json.dumps(one.victims[0].edge_id)), ("id", '"another"'), ("case_key", '"' + "0" * 64 + '"'), ("data", "{}"),
         ("camera_id", '"cam-1"'), ("source", '"/edge/x"')]
    )  # fmt: skip
    spelt = one.rng.choice([name, "".join(f"\\u{ord(sign):04x}" for sign in name)])
    at = raw.find(f'"{name}":')
    raw = raw[:at] + f'"{spelt}":{value},' + raw[at:]
    if one.rng.random() < 0.5:
        raw = raw.replace('":', '" :', 1)
    return one.sealed("insider: a name twice", raw.encode())


def deep(one: Intruder) -> Shot:
    """Nests, numbers and words without end."""
    tree = one.fresh()
    bomb = one.rng.choice(
        ["[" * 400 + "]" * 400, '{"a":' * 300 + "1" + "}" * 300, "[" * 50_000, "9" * 6000, "1e99999", "-1e400", "NaN", "Infinity",
         "-Infinity", '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', "0x10", "01", "1.", "+1", "'x'", "tru", "\u0661", '"\x01"']
    )  # fmt: skip
    tree["data"]["numbers"] = "BOMB"
    return one.sealed(
        "insider: nests and numbers", json.dumps(tree).replace('"BOMB"', f'{{"x":{bomb}}}').encode("utf-8")
    )


def in_anothers_name(one: Intruder) -> Shot:
    """Sealed with its own key: that it is another box, or another's camera."""
    tree, victim = one.fresh(), one.victims[0].edge_id
    change: Callable[[], None] = one.rng.choice(
        [lambda: tree.update(source=f"/edge/{victim}/camera/cam-1"), lambda: tree["data"].update(edge_id=victim),
         lambda: tree.update(source=f"/edge/{victim}"), lambda: tree["data"].update(camera_id="cam-2"),
         lambda: tree.update(source=f"/edge/{one.insider.edge_id}/camera/../../x"), lambda: tree.update(source="/edge/../camera/cam-1")]
    )  # fmt: skip
    change()
    return one.sealed("insider: in another's name", one.text(tree))


def on_anothers_topic(one: Intruder) -> Shot:
    """Its own true seal, on the topic of a victim."""
    raw = one.text(one.fresh())
    return one.sealed("insider: on another's topic", raw, topic=EdgeTopics(one.victims[0].edge_id).event)


def chained(one: Intruder) -> Shot:
    """Links that lead nowhere, backwards, or into the chain of a victim."""
    tree = one.fresh()
    link = one.rng.choice(
        [{"seq": 2**53}, {"seq": -1}, {"seq": 2**63}, {"seq": 1.5}, {"id": "../x"}, {"id": ""}, {"id": "a" * 65}, {"prev": "x"},
         {"prev": "F" * 64}, {"id": None}, {"id": "<b>"}, {"extra": 1}]
    )  # fmt: skip
    tree["data"]["chain"] |= link
    return one.sealed("insider: broken links", one.text(tree))


def as_replay(one: Intruder) -> Shot:
    """A replay that wants to be evidence, and ids that are none."""
    tree = one.fresh()
    change: Callable[[], None] = one.rng.choice(
        [lambda: tree["data"].update(replay=True), lambda: tree.update(id="../../x"), lambda: tree.update(id="<script>"),
         lambda: tree.update(id="a" * 65), lambda: tree.update(id=""), lambda: tree.update(specversion="0.3"),
         lambda: tree.update(type=""), lambda: tree.update(time="2019-12-31T00:00:00Z"), lambda: tree.update(time="2100-01-02T00:00:00Z")]
    )  # fmt: skip
    change()
    return one.sealed("insider: replays, odd ids and times", one.text(tree))


def same_id(one: Intruder) -> Shot:
    """The id of an event of a victim, which is there already, over other bytes."""
    tree = one.fresh()
    tree["id"] = one.rng.choice(one.heard).id
    return one.sealed("insider: id of another's event", one.text(tree))


def misread(one: Intruder) -> Shot:
    """Sealed, and no JSON of ours."""
    raw = one.rng.choice([b"", b"null", b"[]", b"{}", b"1", b'"x"', b"\xff\xfe{\x00}", one.text(one.fresh()).decode().encode("utf-16"),
                          b"\xef\xbb\xbf" + one.text(one.fresh()), one.text(one.fresh()) + b"{}", one.text(one.fresh())[:-1], one.rng.randbytes(200)])  # fmt: skip
    # What is no UTF-8 the box's own library would not sign; an intruder's does.
    token = signed(
        one.insider.key, {"alg": "EdDSA", "kid": thumbprint(one.insider.key), "b64": False, "crit": ["b64"]}, raw
    )
    return Shot("insider: no event", EdgeTopics(one.insider.edge_id).event, raw, (("jws", token),))


def unknown_type(one: Intruder) -> Shot:
    """A type that nobody knows, with any data at all: that is kept, for a newer version to read."""
    tree = one.fresh()
    tree["type"] = one.rng.choice(["sightline.future.thing", "x", "com.evil", "sightline.violation.", "\u5b57"])
    tree["data"] |= {"anything": odd(one.rng)}
    return one.sealed("insider: unknown types", one.text(tree), must=False)


def shown(one: Intruder) -> Shot:
    """Everything a page shows, in the words of an attacker; it fits the schema, and the page must bear it."""
    tree = one.fresh()
    evil = one.rng.choice(
        [
            "<img src=x onerror=alert(1)>",
            '"><script>alert(1)</script>',
            "javascript:alert(1)",
            "\u202eabc",
            "{{7*7}}",
            "a" * 190,
        ]
    )
    data = tree["data"]
    for name in ("reason", "zone_id", "site", "lane_id", "cause", "jurisdiction"):
        if name in data:
            data[name] = evil
    if "vehicle" in data:
        data["vehicle"] |= {"class": evil[:40], "color": evil, "plate": evil[:40]}
    if "numbers" in data:
        data["numbers"] = {
            evil: [evil, {evil: 1e308}],
            "stood_s": one.rng.choice([1e308, -1, 0, "x", None, [], 10**200]),
        }
    if "geometry" in data:
        box = one.rng.choice([[1e308, -1e308, -1e308, 1e308], [0, 0, 0, 0], [5e-324, 0, 1, 1], [10, 10, 5, 5]])
        data["geometry"] |= {"zone": one.rng.choice([[], [box[:2]], [box[:2]] * 4]), "frame": one.rng.choice([[0, 0], [-1, 5], [2**62, 1], [1920, 1080]]),
                             "boxes": {"first": box, evil: box}, "pedestrians": {evil: {evil: box}}, "track": [{"t": 1e308, "box": box}]}  # fmt: skip
    for picture in data.get("images", []):
        picture |= {
            "media_type": one.rng.choice(["text/html", "image/svg+xml", "image/jpeg\r\nX: y", "", evil]),
            "w": 2**62,
            "h": 1,
            "t": -1e308,
        }
    return one.sealed("insider: evil words that fit", one.text(tree), must=False)


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """(container, key) of every value of a tree."""
    stack = [tree]
    while stack:
        here = stack.pop()
        for name in list(here) if isinstance(here, dict) else range(len(here)):
            yield here, name
            if isinstance(here[name], dict | list):
                stack.append(here[name])


# -- huge ones --------------------------------------------------------------------------------------------------------


def _huge(one: Intruder, what: str, made: Callable[[], str], must: bool) -> Shot:
    tree = one.fresh()
    tree["data"]["numbers"] = "BOMB"
    raw = json.dumps(tree, separators=(",", ":")).replace('"BOMB"', made()).encode()
    return one.sealed(f"insider: {what}", raw, must=must)


def _large(one: Intruder, size: int) -> Shot:
    voice, sealed = one.one()
    raw = sealed.raw[:-1] + b" " * (size - len(sealed.raw)) + b"}"
    return Shot(
        f"stranger: {size / 1e6:.1f} MB of blanks", EdgeTopics(voice.edge_id).event, raw, (("jws", sealed.jws),)
    )


def _properties(one: Intruder) -> Shot:
    voice, sealed = one.one()
    names = tuple((f"n{number}", "v" * 60_000) for number in range(15))
    return Shot(
        "stranger: 0.9 MB of properties",
        EdgeTopics(voice.edge_id).event,
        sealed.raw + b" ",
        (*names, ("jws", sealed.jws)),
    )


HUGE: tuple[Family, ...] = (
    partial(_huge, what="a word of 0.9 MB", made=lambda: json.dumps({"x": "a" * 900_000}), must=False),
    partial(_huge, what="a word of 1.5 MB", made=lambda: json.dumps({"x": "a" * 1_500_000}), must=True),
    partial(
        _huge, what="100,000 names", made=lambda: "{" + ",".join(f'"{n}":0' for n in range(80_000)) + "}", must=False
    ),
    partial(_huge, what="400,000 numbers", made=lambda: '{"x":[' + "0," * 400_000 + "0]}", must=False),
    partial(_huge, what="300,000 lists", made=lambda: '{"x":[' + "[]," * 300_000 + "[]]}", must=False),
    partial(_large, size=1_000_001),
    partial(_large, size=7_500_000),
    _properties,
)

INSIDER: tuple[Family, ...] = (
    odd_value, odd_value, reshaped, doubled, deep, in_anothers_name, on_anothers_topic, chained, as_replay, same_id, misread,
    unknown_type, shown,
)  # fmt: skip

__all__ = ["HUGE", "INSIDER", "odd"]
