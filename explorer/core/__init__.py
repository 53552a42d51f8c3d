"""The words of the program: tokens, distributions, chats, queries, sizes.

`sampling` has the settings of the sampler and what ends a run, `record` the format of a walk and its file, `walk` what
a record folds into. Knows the standard library and msgspec.
"""
