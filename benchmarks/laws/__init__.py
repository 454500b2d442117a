"""How many random laws ``training.laws.find_law`` finds, and how many it claims where there is none."""
