"""A connection that no packet ends for good.

Mosquitto looks at what it passes on; EMQX as it comes (`mqtt.strict_mode: false`) does not. paho ends its thread at a
topic or property that is no UTF-8 and stays "connected" and deaf: one device could keep a box from ever hearing an
acknowledgement again.
"""

import logging
import time
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode

log = logging.getLogger("sightline.deliver")
#: How long after a packet that cannot be read the next connection is tried. Seconds.
AFTER_UNREADABLE_S = 1.0


class EnduringClient(mqtt.Client):
    """A client that meets the broker anew after a packet it cannot read."""

    def connect_async(self, *words: Any, **more: Any) -> None:
        """See paho."""
        self._asked = (words, more)
        super().connect_async(*words, **more)

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:
        """See paho; its own thread runs this."""
        while True:
            try:
                return super().loop_forever(timeout, retry_first_connection)
            except OSError:
                raise
            except Exception as error:
                log.error(
                    "the broker passed on a packet that cannot be read (%s): connecting anew", type(error).__name__
                )
                time.sleep(AFTER_UNREADABLE_S)
                words, more = self._asked
                super().connect_async(*words, **more)


__all__ = ["EnduringClient"]
