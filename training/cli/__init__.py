"""The command line: parser, commands, validators and output."""
