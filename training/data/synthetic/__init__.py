"""Synthetic scenes: several digits on one scene."""
