"""The policy language: text in, a program or findings out. No I/O but reading files, no trio, no plugins."""
