"""Why a camera cannot be asked: each cause apart, because each is mended elsewhere.

OnvifError (contract.errors.SightlineError)
├── NoAnswer       nothing answers there, or not as an ONVIF device does: address, network
├── WrongPassword  the camera does not know who asks
├── WrongClock     it knows, but its clock or ours is so far off that it refuses what is signed with a time
├── LockedOut      too many wrong passwords: it refuses everybody for a while
└── NotThere       the camera has no such service
"""

from contract.errors import SightlineError


class OnvifError(SightlineError):
    """A camera cannot be asked; the sentence says why and what to do."""


class NoAnswer(OnvifError):  # noqa: N818 - reads as a sentence
    """Nothing answers there as an ONVIF device does."""


class WrongPassword(OnvifError):  # noqa: N818
    """The camera does not take the name and password."""


class WrongClock(OnvifError):  # noqa: N818
    """Camera and box disagree about the time by more than the camera allows."""


class LockedOut(OnvifError):  # noqa: N818
    """The camera refuses everybody for a while."""


class NotThere(OnvifError):  # noqa: N818
    """The camera has no such service."""


__all__ = ["LockedOut", "NoAnswer", "NotThere", "OnvifError", "WrongClock", "WrongPassword"]
