"""Open files: each connection is one, and at the process's limit none can be accepted."""

import logging
import sys
from contextlib import suppress

OTHER_FILES = 256
"""Open files that are no connections within the limit: models, logs, sockets, probes."""

logger = logging.getLogger(__name__)


def connections_within_file_limit(wanted: int) -> int:
    """Raise this process's limit of open files as far as that many connections need, and it may.

    Returns:
        How many connections it allows.
    """
    if sys.platform == "win32":  # it has no such limit
        return wanted
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with suppress(ValueError, OSError):
            if raised > soft:
                resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    allowed = max(1, soft - min(OTHER_FILES, soft // 2))
    logger.warning(
        "NALU_MAX_CONNECTIONS is %d, but this process may open only %d files, so it accepts %d connections; raise the "
        "limit (ulimit -n) or lower the setting.",
        wanted,
        soft,
        allowed,
    )
    return allowed
