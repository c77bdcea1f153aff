"""No core dumps of processes that hold keys and passwords: their memory must not come to disk by their death."""

import resource


def never_dumped() -> None:
    """From now on neither this process nor one that it starts leaves a core dump.

    The limit is one byte, not none: then Linux hands no dump to a collector such as systemd-coredump either, which a
    limit of 0 does not hold back (fs/coredump.c; core(5) tells that pipes know no limit). A hard limit that is 0
    already stays so: who is not root cannot raise it.
    """
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    limit = 0 if most == 0 else 1
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


__all__ = ["never_dumped"]
