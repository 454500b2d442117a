"""Predictions for a table of any length, without a server: ``python -m app.predict``."""
