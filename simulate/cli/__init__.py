"""The command: a file a group of subcommands."""
