"""The search among laws in which units agree: those of dimensionless groups."""
