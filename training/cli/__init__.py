"""The command line: its parser, its commands, their checks, and what they print."""
