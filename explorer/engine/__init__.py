"""Engines: what answers which token could be next.

`base`, `description` and `capabilities` are the interface, for everybody. `process` reaches an engine in a process of
its own, `files` finds a model's files, `gguf` reads those of llama.cpp's format, `vocabulary` tells bytes from ids,
`scripted` answers without a model, and `compute` with one. Must not know who asks.
"""
