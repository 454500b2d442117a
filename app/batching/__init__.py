"""Dynamic batching: requests that arrive together are computed together."""
