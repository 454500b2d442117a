"""How many random laws ``training.symbolic.find_law`` finds, and how many it claims where there is none."""
