"""The gateways that are measured: one a file, its configuration beside it, as its own manual advises."""
