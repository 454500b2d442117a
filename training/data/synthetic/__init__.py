"""Synthetic scenes: several digits in one image."""
