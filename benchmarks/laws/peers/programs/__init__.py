"""One tool a file: ``solve`` takes a task and answers it, in the tool's own environment, before its time is up."""
