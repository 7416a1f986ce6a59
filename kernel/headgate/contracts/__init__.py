"""What plugins implement and share: the exchange, stores, transports and frozen shapes.

The kernel carries these and never interprets them; plugins meet here without importing one another.
"""
