"""A walk as a file for those who do not run the program: one format a module, each a function from a Document to text.

Everything comes from the record; no model is asked. Must not know the terminal, nor where the text goes.
"""
