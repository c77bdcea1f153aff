"""What can go wrong between lens and ticket, as one tree.

    SightlineError
    ├── InputError          exit status 2: what the user gave cannot be used as it is
    │   ├── SiteError       a site file, with file, line and key
    │   ├── ConfigError     a settings file, with file and key
    │   ├── ObjectsError    a file of boxes, with its line number
    │   ├── ModelError      a model package (hash, format, missing)
    │   └── MediaError      a video that cannot be opened or decoded
    └── RunError            exit status 1: the world failed us while running
        ├── CameraError     RTSP refused, silent, wrong codec
        ├── BrokerError     MQTT refused, wrong password
        ├── CentralError    central cannot be reached or refuses us
        └── SealError       a signature, hash or chain link that does not hold

Each message is one line that names the file, key or address, and what to do. The command line prints it
without a traceback and leaves with `exit_status`.
"""

from typing import ClassVar


class SightlineError(Exception):
    """Something went wrong that a person can be told in one line."""

    exit_status: ClassVar[int] = 1


class InputError(SightlineError):
    """What was given cannot be used as it is."""

    exit_status = 2


class SiteError(InputError):
    """A site file does not say what a site file must say."""


class ConfigError(InputError):
    """A settings file does not say what it must say."""


class ObjectsError(InputError):
    """A file of boxes has a line that cannot be read."""


class ModelError(InputError):
    """A model package is missing, altered or of a kind that cannot be run."""


class MediaError(InputError):
    """A video or picture cannot be opened or decoded."""


class RunError(SightlineError):
    """The world failed us while running."""


class CameraError(RunError):
    """A camera refuses, is silent, or sends what cannot be decoded."""


class BrokerError(RunError):
    """The MQTT broker refuses or cannot be reached."""


class CentralError(RunError):
    """Central cannot be reached or refuses this box."""


class SealError(RunError):
    """A signature, a hash or a link of the chain does not hold."""
