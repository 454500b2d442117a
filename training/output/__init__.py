"""What commands and trainings write to disk: whole files, and figures."""
