"""Cohere's chat, version 2, as its clients speak it and as it does itself: the dialect `cohere`."""


class Cohere:
    """The plugin."""
