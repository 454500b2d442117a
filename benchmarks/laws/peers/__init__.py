"""``find_law`` beside other tools of symbolic regression: the same tables, time and core, and one measure for all."""
