"""Fits a CNN with an arithmetic head to labelled images."""
