"""The model that ships, as a folder of Hugging Face, and its name. Imports nothing; everyone may import it."""

EMBEDDED = "embedded"
"""What the model is called in a configuration, in a record and on the screen."""
