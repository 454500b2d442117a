"""Quotients of sums of products of whole powers, from the relation that holds between their terms."""
