"""Reads tables as people have them: from the bytes of a file to columns of numbers."""
