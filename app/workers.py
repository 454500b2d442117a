"""Several processes on one listening socket."""

import time

from uvicorn import Config
from uvicorn.supervisors import Multiprocess

from app.draining import close_door
from app.settings import Settings


class Supervisor(Multiprocess):
    """Starts workers, replaces those that die, and at the end closes the door for all of them.

    Args:
        config: what the workers run.
        settings: their number and the grace.
    """

    def __init__(self, config: Config, settings: Settings) -> None:
        super().__init__(config, [config.bind_socket()])
        self._grace_seconds = settings.shutdown_grace_seconds

    def terminate_all(self) -> None:
        """Have the workers drain, and when their grace is over, let nobody in any more."""
        super().terminate_all()
        time.sleep(self._grace_seconds)
        close_door(self.sockets)
