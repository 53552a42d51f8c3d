"""GGUF: what a file of this format says of its model, and what of it transformers is told.

Owns the layout of the file and the meaning of its keys. Must not know where the file comes from, nor torch; only the
worker computes with its weights.
"""
