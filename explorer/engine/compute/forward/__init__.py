"""Forward passes: a model is run over ids, and what it keeps of a prefix is used again.

Owns caches, their copies, and what is found out about a model's. Must not know samplers, nor what logits are for.
"""
