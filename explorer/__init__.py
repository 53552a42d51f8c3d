"""Walk a language model token by token, in a terminal."""

__version__ = "0.1.0"
