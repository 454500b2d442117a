"""Measurements of the service, one command each."""
