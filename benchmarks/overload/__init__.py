"""Goodput when more requests come than can be answered."""
