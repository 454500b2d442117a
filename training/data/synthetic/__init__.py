"""Synthetic scenes: several digits on one canvas."""
