"""The engine that computes: a model of transformers, asked for tables, samples and scores.

Owns torch, transformers and accelerate, which nobody else imports; only the worker imports this room. `loading` brings
a model from a folder to a device, `forward` runs it and keeps its caches, `tables` tells tables from logits.
"""
