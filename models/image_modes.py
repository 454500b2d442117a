"""Colour modes of the images that networks take."""

CHANNELS = {"L": 1, "RGB": 3}
"""Channels of each image mode, by Pillow's name of the mode."""
