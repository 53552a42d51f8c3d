"""The sections of `benchmarks/gpu.py`, by what they look at: the machine, its numbers, its speed, what goes wrong."""
