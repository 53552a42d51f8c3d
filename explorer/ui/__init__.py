"""The screen: a walk drawn, keys and mouse as commands. Knows `walk` and `core`; nothing else may import it."""
