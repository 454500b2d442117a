"""Processor time of a request as workers, connections or models become many."""
