"""The command line: one file per thing an operator or a caller does."""
