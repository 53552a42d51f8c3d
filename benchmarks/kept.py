"""What is lost where the weights of a GGUF file are kept in 16 bits: `python benchmarks/kept.py FILE`.

The file's own weights, unpacked and computed in float32, draw a text, which each folder that `get` could make of them
reads. The divergence is of the folder's table from the file's at each place of the text, in nats; *the same weights*
are those that are equal bit for bit.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from explorer.engine.calls import Save
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings

TOKENS = 800

WAYS = (("bfloat16", "float32"), ("float16", "float32"), ("float32", "float32"), ("bfloat16", "bfloat16"))
"""What the weights are kept in, and what is computed in."""


@torch.inference_mode()
def logprobs(model: PreTrainedModel, ids: torch.Tensor) -> torch.Tensor:
    """What the model says at each place of a text, [T, V]."""
    return model(ids).logits[0].float().log_softmax(-1)


def same(one: PreTrainedModel, other: PreTrainedModel) -> float:
    """The share of equal weights."""
    pairs = list(zip(one.parameters(), other.parameters(), strict=True))
    return sum(int((a == b).sum()) for a, b in pairs) / sum(a.numel() for a, _ in pairs)


async def measure(file: Path) -> None:
    engine = TransformersEngine(ModelSettings(model=str(file), name=file.name, device="cpu", dtype="float32"))
    await engine.start()
    begin = torch.tensor([[token.id for token in await engine.encode("The history of the city begins")]])
    torch.manual_seed(1)
    ids = engine.model.generate(begin, do_sample=True, top_k=0, min_new_tokens=TOKENS, max_new_tokens=TOKENS)
    exact = logprobs(engine.model, ids)
    for kept, computed in WAYS:
        with tempfile.TemporaryDirectory() as folder:
            await engine.ask(Save(folder=folder, dtype=kept))
            size = (Path(folder) / "model.safetensors").stat().st_size
            model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, computed)).eval()
        found = logprobs(model, ids)
        kl = (exact.exp() * (exact - found)).sum(-1)
        likeliest = (exact.argmax(-1) == found.argmax(-1)).float().mean()
        numbers = (f"{size / 1e6:.0f} MB", f"{kl.mean():.1e}", f"{kl.max():.1e}", f"{likeliest:.1%}")
        print(f"| {' | '.join((kept, computed, *numbers, f'{same(engine.model, model):.0%}'))} |")
    await engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    said = parser.parse_args()
    print("| Kept in | Computed in | Size | KL, mean | KL, most | Likeliest token the same | The same weights |")
    print("|---|---|---|---|---|---|---|")
    asyncio.run(measure(said.file))


if __name__ == "__main__":
    main()
