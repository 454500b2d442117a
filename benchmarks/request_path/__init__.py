"""Where the processor time of a small prediction goes."""
