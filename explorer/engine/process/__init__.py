"""An engine in a process of its own: the client asks, the worker answers, the wire is what they say to each other.

Must not know what an engine computes, so that the process that asks survives whatever happens to the one that answers.
"""
