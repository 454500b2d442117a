"""Writes version folders, and measures models as they are served."""
