"""The search for laws with unary functions: exponentials, logarithms, waves, roots of sums."""
