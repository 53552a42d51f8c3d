"""Tokens, distributions, the tree, the session and its record: pure Python, without torch and without a terminal."""
