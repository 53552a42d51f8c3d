"""From a folder to a model on its devices, or a sentence that says why not. Must not know what is asked of it."""
