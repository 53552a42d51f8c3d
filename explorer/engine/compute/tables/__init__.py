"""Tables: from the logits of a prefix to ranks, probs, samplers and draws. Must not know how logits are computed."""
