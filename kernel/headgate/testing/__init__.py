"""The kit that plugin authors test with."""
