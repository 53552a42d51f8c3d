"""How far the numbers of a prefix differ by the way to it and by the dtype: `python benchmarks/precision.py`.

A text is sampled, and each of its prefixes is computed in one pass, token by token through the cache, and in passes of
7 tokens. *Path*: the differences between these ways in one dtype. *Dtype*: the differences of one pass from float32.
"""

import argparse

import torch
from transformers import AutoModelForCausalLM

from explorer.cli.engines import embedded_folder
from explorer.engine.compute.forward.cache import PrefixCache
from explorer.engine.compute.forward.recompute import NoCache

TOKENS = 160
DTYPES = ("float32", "bfloat16", "float16")


@torch.inference_mode()
def ways(model, ids: list[int]) -> dict[str, torch.Tensor]:
    """Logprobs [T, V] of the prefixes of 8 tokens and more, by the way to them."""
    lengths = range(8, len(ids) + 1)
    whole, steps, chunks = NoCache(model), PrefixCache(model), PrefixCache(model)

    def by_sevens(length: int) -> torch.Tensor:
        chunks.let_go()
        for end in range(7, length, 7):
            chunks.logits(ids[:end])
        return chunks.logits(ids[:length])

    rows = {
        "one pass": [whole.logits(ids[:length]) for length in lengths],
        "steps": [steps.logits(ids[:length]).clone() for length in lengths],
        "passes of 7": [by_sevens(length) for length in lengths],
    }
    return {name: torch.stack([row.float().log_softmax(-1) for row in found]) for name, found in rows.items()}


def compared(one: torch.Tensor, other: torch.Tensor) -> tuple[float, float, float, float]:
    """The greatest and the mean difference of the probabilities of the likely tokens in logprob, and in prob; and the
    share of prefixes whose most likely token is another."""
    likely = one > -7  # About 0.1 %: what a table shows first.
    apart = (one - other).abs()[likely]
    prob = (one.exp() - other.exp()).abs().max()
    changed = (one.argmax(-1) != other.argmax(-1)).float().mean()
    return float(apart.max()), float(apart.mean()), float(prob), float(changed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(embedded_folder()))
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    reference = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
    begin = torch.tensor([[reference.config.bos_token_id or 1]])
    ids = reference.generate(begin, do_sample=True, top_k=0, min_new_tokens=TOKENS, max_new_tokens=TOKENS)[0].tolist()
    print("| compared | max Δlogprob | mean Δlogprob | max Δprob | another most likely token |")
    print("|---|---|---|---|---|")
    exact = ways(reference, ids)["one pass"]
    for dtype in DTYPES:
        model = AutoModelForCausalLM.from_pretrained(args.model, dtype=getattr(torch, dtype)).eval()
        found = ways(model, ids)
        pairs = [(f"{dtype}: one pass and {way}", found["one pass"], found[way]) for way in ("steps", "passes of 7")]
        if dtype != "float32":
            pairs.append((f"{dtype} and float32, one pass", exact, found["one pass"]))
        for name, one, other in pairs:
            highest, mean, prob, changed = compared(one, other)
            print(f"| {name} | {highest:.1e} | {mean:.1e} | {prob:.1e} | {changed:.1%} |")


if __name__ == "__main__":
    main()
