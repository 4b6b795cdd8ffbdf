"""The command `simulate`: one file for each group of subcommands."""
