"""Forms: formulas with free constants that a user starts from."""
