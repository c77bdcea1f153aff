"""Brokers: Mosquitto's shipped settings and EMQX's, which must let the same users reach the same topics."""

import re
from collections.abc import Iterator

from tests.docker_kit import commands
from tests.docker_kit.deployment import Deployment, Service, Stack

#: Of Mosquitto alone: its own figures have other topics at EMQX.
_OWN = {("central", "read", "$SYS/broker/uptime")}
#: What central is asked (`central.api.brokers.Asked`): EMQX puts the certificate's common name in.
ASKED = '{username = "${username}"}'
_ACTIONS = {"publish": "write", "subscribe": "read"}


def listener_ports(deployment: Deployment) -> dict[str, int]:
    """The port of each listener that is shipped, by its file."""
    folder = deployment.root / "configs" / "mosquitto" / "listeners"
    found = {path.name: re.search(r"^listener (\d+)", path.read_text(), re.MULTILINE) for path in folder.iterdir()}
    ports = {name: int(hit[1]) for name, hit in found.items() if hit}
    bind = emqx(deployment).get("listeners.ssl.default.bind", ":0")
    return {**ports, "emqx.conf": int(bind.strip('"').rpartition(":")[2])}


def emqx(deployment: Deployment) -> dict[str, str]:
    """emqx.conf as flat keys. Raises ValueError for a line that is neither a key with a value nor a brace."""
    found: dict[str, str] = {}
    above: list[str] = []
    for line in (deployment.folder / "replicas" / "emqx.conf").read_text(encoding="utf-8").splitlines():
        said = line.partition("#")[0].strip()
        if said == "}":
            above.pop()
        elif opened := re.fullmatch(r"([\w.]+) \{", said):
            above.append(opened[1])
        elif pair := re.fullmatch(r"([\w.]+) = (.+)", said):
            found[".".join([*above, pair[1]])] = pair[2]
        elif said:
            raise ValueError(f"emqx.conf: {line!r} is not understood")
    if above:
        raise ValueError("emqx.conf: a brace is open")
    return found


def check(deployment: Deployment, stack: Stack) -> list[str]:
    """Findings on the brokers of one compose file."""
    nodes = [one for one in stack.services.values() if str(one.body["image"]).startswith("emqx/")]
    if not nodes:
        return []
    found = [*_settings(deployment, nodes), *_asked(stack, nodes, emqx(deployment)), *_list(deployment)]
    return [f"docker/replicas: {line}" for line in found]


def _settings(deployment: Deployment, nodes: list[Service]) -> Iterator[str]:
    said = emqx(deployment)
    wanted = {
        "listeners.ssl.default.ssl_options.verify": "verify_peer",
        "listeners.ssl.default.ssl_options.fail_if_no_peer_cert": "true",
        "mqtt.peer_cert_as_username": "cn",
        "mqtt.shared_subscription": "true",
        "mqtt.strict_mode": "true",
        "authorization.no_match": "deny",
        "authorization.cache.enable": "true",
        "authorization.cache.ttl": "1m",
        "listeners.tcp.default.enable": "false",
        "listeners.ws.default.enable": "false",
        "listeners.wss.default.enable": "false",
        "dashboard.listeners.http.bind": "0",
    }
    for key, value in wanted.items():
        if said.get(key) != value:
            yield f"emqx.conf: {key} is {said.get(key)}, not {value}"
    shipped = (deployment.root / "configs" / "mosquitto" / "mosquitto.conf").read_text()
    if f"max_packet_size {said.get('mqtt.max_packet_size')}\n" not in shipped:
        yield "emqx.conf: mqtt.max_packet_size is not that of mosquitto.conf"
    seeds = set(re.findall(r'"([^"]+)"', said.get("cluster.static.seeds", "")))
    names = {node.body["environment"]["EMQX_NODE__NAME"] for node in nodes}
    if seeds != names:
        yield f"emqx.conf: cluster.static.seeds and the nodes differ: {sorted(seeds ^ names)}"
    for node in nodes:
        host = node.body["environment"]["EMQX_NODE__NAME"].partition("@")[2]
        if host not in node.networks.get("inside", []):
            yield f"{node.name}: has not the name {host} by which the others look for it"
        for key in ("cacertfile", "certfile", "keyfile"):
            path = said.get(f"listeners.ssl.default.ssl_options.{key}", "").strip('"')
            if node.mount_of(path) is None:
                yield f"{node.name}: {key} {path} is not mounted"


def _asked(stack: Stack, nodes: list[Service], said: dict[str, str]) -> Iterator[str]:
    """Whom the nodes ask before they let somebody do something: central first, at a route it has, and then the list."""
    sources = said.get("authorization.sources", "")
    kinds = re.findall(r"\{type = (\w+), enable = true", sources)
    if kinds != ["http", "file"]:
        yield f"emqx.conf: asks {kinds}, not central and then the list"
    where = re.search(r'method = post, url = "http://([\w.-]+):(\d+)([^"]+)", body = (\{.*?"\})', sources)
    if where is None:
        yield "emqx.conf: says not how central is asked"
        return
    host, port, path, body = where.groups()
    if body != ASKED:
        yield f"emqx.conf: central is asked {body}, which is not the question it knows"
    if not commands.central_answers(path, "post"):
        yield f"emqx.conf: central does not answer at {path}"
    for node in nodes:
        found = stack.named(host, node)
        if not found:
            yield f"{node.name}: nobody near has the name {host}"
        for one in found:
            exposed = one.image.final.all("EXPOSE") if one.image is not None else []
            if port not in [word for rest in exposed for word in rest.split()]:
                yield f"emqx.conf: {one.name} does not listen at {port}"


def _list(deployment: Deployment) -> Iterator[str]:
    ours, theirs = mosquitto_rights(deployment), emqx_rights(deployment)
    yield from (f"acl.conf: lets {right}, which configs/mosquitto/acl does not" for right in sorted(theirs - ours))
    yield from (f"acl.conf: does not let {right}, as configs/mosquitto/acl does" for right in sorted(ours - theirs))
    text = (deployment.folder / "replicas" / "acl.conf").read_text(encoding="utf-8")
    if not text.rstrip().endswith("{deny, all}."):
        yield "acl.conf: does not end with {deny, all}"


def mosquitto_rights(deployment: Deployment) -> set[tuple[str, str, str]]:
    """(user, read or write, topic) that configs/mosquitto/acl gives; `*` is whoever has the name %u."""
    found = set()
    user = "*"
    for line in (deployment.root / "configs" / "mosquitto" / "acl").read_text(encoding="utf-8").splitlines():
        match [] if line.startswith("#") else line.split():
            case ["user", name]:
                user = name
            case ["topic", action, topic]:
                found.add((user, action, topic))
            case ["pattern", action, topic]:
                found.add(("*", action, topic))
    return found - _OWN


def emqx_rights(deployment: Deployment) -> set[tuple[str, str, str]]:
    """The same of acl.conf: Erlang terms `{allow, WHO, publish | subscribe, [TOPICS]}.`"""
    text = (deployment.folder / "replicas" / "acl.conf").read_text(encoding="utf-8")
    bare = "\n".join(line.partition("%%")[0] for line in text.splitlines())
    found = set()
    for who, action, topics in re.findall(r"\{allow, (all|\{username, \"\w+\"\}), (\w+),\s*\[([^\]]*)\]\}\.", bare):
        user = "*" if who == "all" else who.split('"')[1]
        found |= {
            (user, _ACTIONS[action], one.replace("${username}", "%u")) for one in re.findall(r'"([^"]+)"', topics)
        }
    return found
