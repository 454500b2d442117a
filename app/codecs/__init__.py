"""Bytes to arrays, arrays to responses: one codec for each kind of request."""
