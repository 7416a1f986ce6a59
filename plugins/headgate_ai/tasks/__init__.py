"""What models do besides chatting: read a job, send it to a provider, count what it used.

The road is that of a chat (see `asking`): the same limits, keys, failures and rows.
"""
