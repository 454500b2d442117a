"""One server a file, as its documentation advises; each runs in an environment of its own."""
