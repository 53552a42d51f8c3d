"""Train the model that ships: `python -m training.train --corpus DIR --work DIR --out DIR`.

Owns the shape, the optimizers, the schedule and the Hugging Face folder that comes out. Imported by nobody. The run is
deterministic for a seed, a thread count and a token budget; `WORK/state.pt` lets it go on after a stop, and
`--from FOLDER` begins from shipped weights with fresh optimizers and a warm-up. The folder in `--out` is rewritten only
when the validation loss falls.

Hidden matrices are trained with Muon (K. Jordan, 2024: momentum, orthogonalised by a Newton-Schulz iteration), the
embedding and the norms with AdamW; the learning rate warms up, stays, and falls linearly to nothing over the last part.
"""

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

from training import corpus, synth

SHAPES = ((16, 256), (8, 512), (4, 1024))
"""Windows of one step, (count, length): always 4,096 tokens, so that every position is trained."""
TOKENS_PER_STEP = 4096
PROMPTS = (
    "Once upon a time",
    "The little rabbit was",
    '"Come here," said',
    "The capital of France is",
    "옛날 옛적에",
    "<|user|>\nTell me a story.<|end_of_turn|>\n<|assistant|>\n",
)


class Muon(torch.optim.Optimizer):
    """Muon for matrices, in float32: the bfloat16 iteration of torch's own class is three times slower on a CPU."""

    def __init__(self, params: list[torch.nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # noqa: ARG002  (torch overloads it)
        """One update; `closure`, of torch's signature, is not used."""
        for group in self.param_groups:
            for param in group["params"]:
                state = self.state[param]
                momentum = state.setdefault("momentum", torch.zeros_like(param))
                momentum.lerp_(param.grad, 0.05)
                update = orthogonalise(param.grad.lerp(momentum, 0.95))
                update *= max(1.0, param.shape[0] / param.shape[1]) ** 0.5
                param.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"])


def orthogonalise(matrix: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """About U V^T of the matrix's singular value decomposition, by Jordan's quintic Newton-Schulz iteration."""
    tall = matrix.shape[0] > matrix.shape[1]
    x: torch.Tensor = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.T if tall else x


def build_model(vocabulary: int) -> LlamaForCausalLM:
    """The shape that ships: 5.8 M parameters, tied embedding, context length 1,024."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=256,
        intermediate_size=704,
        num_hidden_layers=6,
        num_attention_heads=8,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=corpus.BOS,
        eos_token_id=[corpus.END_OF_TEXT, corpus.END_OF_TURN],
        pad_token_id=corpus.PAD,
        rms_norm_eps=1e-5,
        initializer_range=0.02,
    )
    model = LlamaForCausalLM(config)
    for name, param in model.named_parameters():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            torch.nn.init.normal_(param, 0.0, 0.02 / math.sqrt(2 * config.num_hidden_layers))
    return model


def learning_rate(progress: float, step: int, warmup: int, decay: float) -> float:
    """The factor on the peak rate: a linear warm-up, a plateau, and a linear fall over the last share `decay`."""
    return min(1.0, (step + 1) / warmup, max(0.0, (1 - progress) / decay))


class Trainer:
    """One run: model, optimizers, the random stream of the windows, and what is written down of it."""

    def __init__(self, args: argparse.Namespace, tokenizer: Tokenizer, arrays: dict[str, corpus.TokenArrays]) -> None:
        self.args, self.tokenizer, self.arrays = args, tokenizer, arrays
        self.device = torch.device(args.device)
        self.autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda")
        if args.start:
            model = LlamaForCausalLM.from_pretrained(args.start, dtype=torch.float32)
        else:
            model = build_model(tokenizer.get_vocab_size())
        self.model = model.to(self.device)
        hidden = [p for n, p in self.model.named_parameters() if p.ndim == 2 and "embed" not in n]
        others = [p for n, p in self.model.named_parameters() if p.ndim != 2 or "embed" in n]
        self.optimizers = [
            Muon(hidden, lr=args.lr, weight_decay=0.1),
            torch.optim.AdamW(others, lr=args.embedding_lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True),
        ]
        self.rng = np.random.default_rng(args.seed)
        self.step, self.seconds, self.best = 0, 0.0, math.inf
        self.log: list[dict[str, Any]] = []
        self.state_file = Path(args.work) / "state.pt"

    def progress(self) -> float:
        """The share of the budget that is spent, 0 to 1."""
        spent = self.seconds / 60 / self.args.minutes if self.args.minutes else self.tokens / self.args.tokens
        return float(spent)

    @property
    def tokens(self) -> int:
        return self.step * TOKENS_PER_STEP

    def batch(self) -> torch.Tensor:
        """Token ids [count, length] of one step."""
        count, length = SHAPES[self.rng.choice(len(SHAPES), p=(0.4, 0.35, 0.25))]
        shares = np.array(list(corpus.SHARES.values()))
        sources = self.rng.choice(list(corpus.SHARES), count, p=shares / shares.sum())
        return torch.from_numpy(np.stack([self.arrays[s].window(self.rng, length) for s in sources])).to(self.device)

    def train_step(self) -> float:
        factor = learning_rate(self.progress(), self.step, self.args.warmup, self.args.decay)
        for optimizer, peak in zip(self.optimizers, (self.args.lr, self.args.embedding_lr), strict=True):
            optimizer.param_groups[0]["lr"] = peak * factor
        ids = self.batch()
        with self.autocast:
            loss = self.model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return float(loss.detach())

    @torch.no_grad()
    def evaluate(self, length: int = 512, windows: int = 24) -> dict[str, float]:
        """Mean negative log-likelihood in nats per token of each source's validation text."""
        losses = {}
        for source, arrays in self.arrays.items():
            ids = arrays.validation.astype(np.int64)
            count = min(windows, len(ids) // length)
            rows = ids[: count * length].reshape(count, length) if count else ids[None]
            parts = [self.model(input_ids=torch.from_numpy(r[None]).to(self.device), use_cache=False) for r in rows]
            losses[source] = float(
                np.mean(
                    [
                        torch.nn.functional.cross_entropy(
                            part.logits[0, :-1].float(), torch.from_numpy(row[1:]).to(self.device)
                        ).item()
                        for part, row in zip(parts, rows, strict=True)
                    ]
                )
            )
        return losses

    def report(self) -> None:
        """Log losses and samples; write the folder when the weighted validation loss is the best so far."""
        self.model.eval()
        losses = self.evaluate()
        total = sum(corpus.SHARES[s] * loss for s, loss in losses.items()) / sum(corpus.SHARES.values())
        weight = sum(corpus.SHARES[s] for s in corpus.NATURAL)
        natural = math.exp(sum(corpus.SHARES[s] * losses[s] for s in corpus.NATURAL) / weight)
        entry = {
            "step": self.step,
            "tokens": self.tokens,
            "minutes": round(self.seconds / 60, 1),
            "loss": round(total, 4),
            "natural_perplexity": round(natural, 2),
            "by_source": {s: round(loss, 3) for s, loss in losses.items()},
        }
        self.log.append(entry)
        print(json.dumps(entry), flush=True)
        for text in self.samples():
            print("   >", repr(text), flush=True)
        if total < self.best:
            self.best = total
            self.save()
        self.model.train()

    @torch.no_grad()
    def samples(self, new_tokens: int = 48) -> list[str]:
        texts = []
        kept = torch.random.get_rng_state()
        for index, prompt in enumerate(PROMPTS):
            torch.manual_seed(index)
            ids = torch.tensor([self.tokenizer.encode(prompt).ids], device=self.device)
            out = self.model.generate(ids, max_new_tokens=new_tokens, do_sample=True, temperature=0.7, top_k=40)
            texts.append(self.tokenizer.decode(out[0, 1:].tolist(), skip_special_tokens=False))
        torch.random.set_rng_state(kept)
        return texts

    def save(self) -> None:
        """Write the Hugging Face folder: bfloat16 weights, a config that says float32, so that dtype auto is exact."""
        folder = Path(self.args.out)
        folder.mkdir(parents=True, exist_ok=True)
        weights = build_model(self.tokenizer.get_vocab_size())
        weights.load_state_dict(self.model.state_dict())
        weights = weights.to(torch.bfloat16)
        ends = [corpus.END_OF_TEXT, corpus.END_OF_TURN]
        weights.generation_config = GenerationConfig(
            bos_token_id=corpus.BOS,
            eos_token_id=ends,
            pad_token_id=corpus.PAD,
            do_sample=True,
            temperature=0.8,
            top_k=40,
        )
        weights.save_pretrained(folder)
        config = json.loads((folder / "config.json").read_text("utf-8"))
        config["dtype"] = "float32"
        _write_json(folder / "config.json", config)
        (folder / "tokenizer.json").write_text(_compact(self.tokenizer), "utf-8")
        _write_json(folder / "tokenizer_config.json", tokenizer_config())
        log = Path(self.args.work) / "train_log.json"
        log.write_text(json.dumps(self.log, indent=1), "utf-8")
        for path in folder.glob("*.safetensors"):
            path.chmod(0o644)

    def keep_state(self) -> None:
        """Write all that is needed to go on after a stop, whole or not at all."""
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "rng": self.rng.bit_generator.state,
            "counters": (self.step, self.seconds, self.best),
            "log": self.log,
        }
        partial = self.state_file.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.state_file)

    def resume(self) -> None:
        state = torch.load(self.state_file, map_location=self.device, weights_only=False)
        self.model.load_state_dict(state["model"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.rng.bit_generator.state = state["rng"]
        self.step, self.seconds, self.best = state["counters"]
        self.log = state["log"]

    def run(self) -> None:
        self.model.train()
        mean = None
        while self.progress() < 1:
            began = time.monotonic()
            loss = self.train_step()
            self.seconds += time.monotonic() - began
            mean = loss if mean is None else 0.95 * mean + 0.05 * loss
            if self.step % 25 == 0:
                rate = self.tokens / self.seconds
                print(f"step {self.step}  {self.progress():.3f}  loss {mean:.3f}  {rate:.0f} tokens/s", flush=True)
            if self.step % self.args.report_every == 0:
                self.report()
                self.keep_state()
        if not self.log or self.log[-1]["step"] != self.step:
            self.report()


def tokenizer_config() -> dict[str, Any]:
    """`tokenizer_config.json`: read alike by transformers 4 and 5."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": corpus.SPECIAL_TOKENS[corpus.BOS],
        "eos_token": corpus.SPECIAL_TOKENS[corpus.END_OF_TEXT],
        "pad_token": corpus.SPECIAL_TOKENS[corpus.PAD],
        "additional_special_tokens": list(corpus.SPECIAL_TOKENS[3:]),
        "clean_up_tokenization_spaces": False,
        "model_max_length": 1024,
        "padding_side": "left",
        "chat_template": corpus.CHAT_TEMPLATE,
    }


def _compact(tokenizer: Tokenizer) -> str:
    return json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":"))


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="the folder with the text; not needed where WORK has the arrays")
    parser.add_argument("--work", type=Path, required=True, help="token arrays, state and log of the run")
    parser.add_argument("--out", type=Path, required=True, help="the Hugging Face folder to write")
    parser.add_argument("--from", dest="start", type=Path, help="begin from the weights and tokenizer of this folder")
    parser.add_argument("--resume", action="store_true", help="go on from WORK/state.pt")
    parser.add_argument("--tokens", type=int, default=100_000_000, help="the budget")
    parser.add_argument("--minutes", type=float, default=0.0, help="a budget of wall time instead (not reproducible)")
    parser.add_argument("--vocabulary", type=int, default=6144)
    parser.add_argument("--lr", type=float, default=0.02, help="peak rate of Muon")
    parser.add_argument("--embedding-lr", type=float, default=0.004, help="peak rate of AdamW")
    parser.add_argument("--warmup", type=int, default=60, help="steps")
    parser.add_argument("--decay", type=float, default=0.45, help="share of the budget over which the rate falls")
    parser.add_argument("--report-every", type=int, default=200, help="steps")
    parser.add_argument("--synth-scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    return parser


def main() -> None:
    args = arguments().parse_args()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(args.seed)
    folders = [args.work]
    if args.corpus:
        folders.append(args.corpus)
        synth.write(args.work, scale=args.synth_scale)
    tokenizer_file = (args.start or args.work) / "tokenizer.json"
    if not tokenizer_file.exists():
        corpus.train_tokenizer(folders, args.vocabulary).save(str(tokenizer_file))
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    arrays = corpus.token_arrays(folders, args.work, tokenizer)
    print({source: len(a.train) for source, a in arrays.items()}, flush=True)
    trainer = Trainer(args, tokenizer, arrays)
    if args.resume:
        trainer.resume()
    trainer.run()


if __name__ == "__main__":
    main()
