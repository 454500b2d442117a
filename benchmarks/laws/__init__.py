"""How many random laws ``find_law`` finds, and how many it reports for tables without one."""
