"""The demo's end of the virtual camera: its process, its words, and what it said."""

import json
import sys
import threading
from pathlib import Path

from sightline.demo.parts import Part


class StreetCamera:
    """Starts passes and hears of their beginning and end."""

    def __init__(self, scene: Path, port: int, log: Path) -> None:
        command = [sys.executable, "-m", "sightline.demo.camera", "--folder", str(scene), "--port", str(port)]
        self.part = Part("camera", command, log, piped=True)
        self.listening = threading.Event()
        self.begun = 0
        self.ended = 0
        self._asked = 0

    def listen(self) -> None:
        """Hear what the process says; call once after its start."""
        threading.Thread(target=self._hear, name="camera", daemon=True).start()

    def play(self) -> None:
        """Ask for one pass of the scene. A camera that has died hears nothing; the caller is told of its death."""
        process = self.part.process
        if process is None or process.stdin is None:
            return
        try:
            process.stdin.write("play\n")
            process.stdin.flush()
            self._asked += 1
        except BrokenPipeError:
            return

    @property
    def busy(self) -> bool:
        """A pass is asked for or running."""
        return self.ended < self._asked

    def _hear(self) -> None:
        process = self.part.process
        if process is None or process.stdout is None:
            return
        for line in process.stdout:
            event = json.loads(line)["event"]
            if event == "listening":
                self.listening.set()
            elif event == "pass":
                self.begun += 1
            elif event == "end":
                self.ended += 1
