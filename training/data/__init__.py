"""Data: tables, folders of images, handwritten digits, synthetic scenes."""
