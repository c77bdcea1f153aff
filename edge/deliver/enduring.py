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
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from contract.listening import ListeningClient

log = logging.getLogger("sightline.deliver")
#: How long after a packet that cannot be read the next connection is tried. Seconds.
AFTER_UNREADABLE_S = 1.0


class EnduringClient(ListeningClient):
    """A client that meets the broker anew after a packet it cannot read, having told `on_disconnect` that it is gone.

    `heard` is when the last bytes of the broker came, by `time.monotonic`. paho's own mark is also set when it asks for
    a sign of life, and so tells nothing about a line that was cut without a word.
    """

    heard = 0.0
    _left = False

    def connect_async(self, *words: Any, **more: Any) -> None:
        """See paho."""
        self._asked, self._left = (words, more), False
        super().connect_async(*words, **more)

    def disconnect(self, *words: Any, **more: Any) -> MQTTErrorCode:
        """See paho."""
        self._left = True
        return super().disconnect(*words, **more)

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
                self._gone()
                time.sleep(AFTER_UNREADABLE_S)
                if self._left:
                    return MQTTErrorCode.MQTT_ERR_SUCCESS
                words, more = self._asked
                super().connect_async(*words, **more)

    def _gone(self) -> None:
        told = self.on_disconnect
        if told is not None:
            reason = ReasonCode(PacketTypes.DISCONNECT, "Malformed packet")
            flags, said = mqtt.DisconnectFlags(False), Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
            told(self, self.user_data_get(), flags, reason, said)  # type: ignore[call-arg,arg-type]

    def _sock_recv(self, bufsize: int) -> bytes:
        """See paho; every byte of the broker comes through here, and no callback of paho's tells of PINGRESP."""
        data = super()._sock_recv(bufsize)
        if data:
            self.heard = time.monotonic()
        return data


__all__ = ["EnduringClient"]
