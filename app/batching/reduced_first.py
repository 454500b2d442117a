"""Whether to decode the JPEGs for a model at a reduced size first."""

MIN_SURE_SHARE = 0.5
"""Least share of sure answers for which it saves time: a reduced image takes about half as long as one in full."""
AVERAGED_IMAGES = 8
"""How many of the latest images that share is of: each counts for so much less than the one after it."""
RETRY_IMAGES = 16
"""Where it saves no time, every so many images it is tried again."""


class ReducedFirst:
    """A running share of a model's images that were answered from a reduced size."""

    def __init__(self) -> None:
        self.sure_share = 1.0
        self._left_out = 0

    def is_worthwhile(self) -> bool:
        """Whether to decode the next image that can be reduced at a reduced size."""
        if self.sure_share >= MIN_SURE_SHARE:
            return True
        self._left_out = (self._left_out + 1) % RETRY_IMAGES
        return not self._left_out

    def record(self, sure: bool) -> None:
        """Learn whether a reduced image was enough."""
        self.sure_share += (sure - self.sure_share) / AVERAGED_IMAGES
