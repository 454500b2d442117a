"""The command line: its parser, its commands, their validators, and what they print."""
