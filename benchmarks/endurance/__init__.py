"""Endurance: hours of load with model swaps, invalid requests and disconnects; and shutdown under load."""
