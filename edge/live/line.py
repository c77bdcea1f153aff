"""One outbound WebSocket to central, for one stream of a camera."""

import socket
import ssl
from typing import Final

from joserfc.jwk import OKPKey
from websockets.sync.client import ClientConnection, connect

from contract.livestream import path_of
from edge.config import EdgeConfig
from edge.deliver.transfer import token

#: The kernel holds little of what cannot be sent, so that a thin link is seen here and not minutes later. Bytes.
_UNSENT: Final = 65_536
_OPEN_S: Final = 5.0


def opened(config: EdgeConfig, key: OKPKey, camera: str, stream: str | None) -> ClientConnection:
    """Call central. Raises OSError, WebSocketException, SightlineError or ValueError."""
    central = config.central
    address = central.url.rstrip("/").replace("http", "ws", 1) + path_of(camera, stream)
    headers = {"Authorization": f"Bearer {token(key, config.edge_id)}"}
    trusted = None
    if address.startswith("wss:"):
        trusted = ssl.create_default_context(cafile=None if central.tls_ca is None else str(central.tls_ca))
    line = connect(
        address, additional_headers=headers, compression=None, proxy=None, open_timeout=_OPEN_S, close_timeout=1.0,
        ssl=trusted,
    )  # fmt: skip
    line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)
    line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNSENT)
    return line


__all__ = ["opened"]
