"""A client of ours in a process that has many files open: central with a thousand browsers and boxes."""

import os
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from contract.listening import ListeningClient
from sightline.broker import EmbeddedBroker

#: select() cannot see a descriptor from here on (FD_SETSIZE, glibc).
BLIND = 1024


@pytest.fixture
def many_files() -> Iterator[None]:
    """Every descriptor that select() could see is taken."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < BLIND + 200:
        pytest.skip("this machine allows no process so many files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, BLIND + 200), hard))
    taken = [os.open(os.devnull, os.O_RDONLY)]
    try:
        while taken[-1] < BLIND:
            taken.append(os.dup(taken[0]))
        yield
    finally:
        for one in taken:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_process_with_a_thousand_files_hears_and_is_heard(tmp_path: Path, free_port: int, many_files: None) -> None:
    with EmbeddedBroker(tmp_path, free_port, {"central": "c-secret-74a1"}):
        client = ListeningClient(CallbackAPIVersion.VERSION2, "central", protocol=MQTTProtocolVersion.MQTTv5)
        client.username_pw_set("central", "c-secret-74a1")
        subscribed, heard, lost = threading.Event(), threading.Event(), threading.Event()

        def on_connect(one: Client, *_: object) -> None:
            one.subscribe("sightline/v1/box-1/event", qos=1)

        client.on_connect = on_connect
        client.on_subscribe = lambda *_: subscribed.set()
        client.on_message = lambda *_: heard.set()
        client.on_disconnect = lambda *_: lost.set()
        client.connect("127.0.0.1", free_port, keepalive=2)
        try:
            sock = client.socket()
            assert sock is not None and sock.fileno() >= BLIND
            client.loop_start()
            assert subscribed.wait(20)
            # Published from another thread while the loop waits: it must be rung out of its wait.
            client.publish("sightline/v1/box-1/event", b"{}", qos=1).wait_for_publish(20)
            assert heard.wait(20)
            assert not lost.wait(4), "pings go on: no keep-alive passes without one"
        finally:
            client.disconnect()
            client.loop_stop()
        assert lost.is_set()
