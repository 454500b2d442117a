"""Whether rows are evidence enough for a candidate, and whether what it leaves is noise."""
