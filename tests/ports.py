"""Ports for the servers of tests."""

import itertools
import os
import socket

#: Below 32768, from where Linux gives ports to connections: none of them takes one before its server does.
_FIRST, _COUNT = 20_000, 12_000
_numbers = itertools.count(os.getpid() * 131)


def open_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on; another one at each call. Processes begin far from each other."""
    for number in itertools.islice(_numbers, _COUNT):
        port = _FIRST + number % _COUNT
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no port between {_FIRST} and {_FIRST + _COUNT} is free")
