"""What the tests of several layers share: tiny random models, a model folder, random walks of a session.

Everything that imports torch is inside a fixture, so that the tests of the other layers start at once.
"""

import gc
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

# Before any import that reads them: no test reaches a hub, and none takes more than a core.
os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

from explorer.core.record.events import Header

if TYPE_CHECKING:
    from tests.cli.program import KeptEngines, Program

settings.register_profile("explorer", deadline=None, max_examples=60)
settings.load_profile("explorer")

# A screen is thousands of objects that live as long as a test: to look for garbage among them took a fifth of the time.
gc.set_threshold(100_000, 50, 100)

ROWS = 320
"""Rows of the tiny models' output; their tokenizer has fewer entries."""

SIZES = {
    "vocab_size": ROWS,
    "hidden_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "head_dim": 16,
    "max_position_embeddings": 96,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
GPT2 = {"n_embd": 64, "n_layer": 4, "n_head": 4, "n_positions": 96, "n_inner": 96}
WINDOWS = ["sliding_attention"] * 3 + ["full_attention"]
KINDS: Mapping[str, Mapping[str, Any]] = {
    "llama": SIZES,
    "gpt2": {"vocab_size": ROWS, "bos_token_id": 1, "eos_token_id": 2, **GPT2},
    "qwen2": SIZES | {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 2},
    "qwen3": SIZES,
    "gemma3_text": SIZES | {"sliding_window": 8, "layer_types": WINDOWS, "tie_word_embeddings": False},
    "mistral": SIZES | {"sliding_window": 8},
    "bloom": {"vocab_size": ROWS, "hidden_size": 64, "n_layer": 4, "n_head": 4},
    "mamba2": SIZES | {"state_size": 8, "num_heads": 8, "expand": 2, "n_groups": 2, "chunk_size": 8},
    "lfm2": SIZES
    | {"layer_types": ["conv", "conv", "full_attention", "conv"], "block_ff_dim": 96, "block_multiple_of": 8},
    "falcon_h1": SIZES
    | {
        "mamba_d_ssm": 64,
        "mamba_n_heads": 4,
        "mamba_d_head": 16,
        "mamba_n_groups": 1,
        "mamba_d_state": 8,
        "mamba_chunk_size": 8,
    },
}


@pytest.fixture(scope="session")
def tiny_model() -> Callable:
    """A tiny random model of a kind, whose weights are large enough that every token of the context matters."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.set_num_threads(1)

    @cache
    def build(kind: str):
        torch.manual_seed(0)
        config = AutoConfig.for_model(kind, **KINDS[kind])
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if weight.dim() >= 2 and "conv" not in name and "A_log" not in name:
                    weight.normal_(0, 0.5 if "emb" in name or "wte" in name else 0.08)
        return model

    return build


def tiny_tokenizer():
    """A byte-level tokenizer in the style of Llama 3, which puts a BOS first."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<pad>", "<|begin|>", "<|end|>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(
        ["the fox and the bear sang the song of the end", "안녕 안녕하세요 안녕히"] * 9, trainer
    )
    tokenizer.post_processor = processors.TemplateProcessing(single="<|begin|> $A", special_tokens=[("<|begin|>", 1)])
    return tokenizer


TEMPLATE = (
    "{% for m in messages %}{{ raise_exception('unknown role') if m.role not in ('system', 'user', 'assistant') }}"
    "{{ (bos_token if loop.first else '') + m.role + ': ' + m.content + eos_token + '\n' }}{% endfor %}"
    "{{ 'assistant:' if add_generation_prompt else '' }}"
)
"""Of the tiny tokenizer: the format of the scripted engine."""


@pytest.fixture(scope="session")
def tiny_folder(tiny_model, tmp_path_factory) -> Callable[[str], Path]:
    """A folder with a tiny model of a kind and a tokenizer. Ids 2 and 40 to 59 end a sequence."""
    from transformers import PreTrainedTokenizerFast

    @cache
    def save(kind: str) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        model = tiny_model(kind)
        model.generation_config.eos_token_id = [2, *range(40, 60)]
        model.save_pretrained(folder)
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=tiny_tokenizer(),
            bos_token="<|begin|>",
            eos_token="<|end|>",
            pad_token="<pad>",
            chat_template=TEMPLATE,
        )
        tokenizer.save_pretrained(folder)
        return folder

    return save


@pytest.fixture(scope="session")
def tiny_adapter(tiny_folder, tmp_path_factory) -> Callable[..., Path]:
    """Makes a folder with an adapter of peft on a tiny model; its weights are large enough to change every number.

    `rows`: the model has so many tokens while it is trained. `settings` are those of a LoraConfig, unless `method` is
    another class of peft.
    """
    import peft
    import torch
    from transformers import AutoModelForCausalLM

    def make(
        kind: str = "llama",
        method: str = "LoraConfig",
        base: Path | None = None,
        rows: int | None = None,
        **settings: Any,
    ) -> Path:
        usual = {"target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM"}
        folder = tmp_path_factory.mktemp("adapter")
        torch.manual_seed(1)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # peft speaks to whoever trains, and transformers to peft.
            model = AutoModelForCausalLM.from_pretrained(base or tiny_folder(kind))
            if rows is not None:
                model.resize_token_embeddings(rows)
            tuned = peft.get_peft_model(model, getattr(peft, method)(**{**usual, **settings}))
            for weight in tuned.parameters():
                if weight.requires_grad:
                    weight.add_(torch.randn_like(weight) * 0.05)
            tuned.save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def engines(tmp_path_factory) -> Iterator["KeptEngines"]:
    """Workers that are started once, and the loop that they live on."""
    from tests.cli.program import KeptEngines

    engines = KeptEngines(tmp_path_factory.mktemp("engines"))
    yield engines
    engines.end()


@pytest.fixture(scope="session")
def run(engines) -> "Program":
    """Runs a command in this process, on an engine that the commands before it used too."""
    from tests.cli.program import Program

    return Program(engines)


@pytest.fixture(scope="session")
def header() -> Header:
    return Header(model="tiny", dtype="float32", device="cpu", tokenizer="0" * 64, versions={"torch": "2"})


@pytest.fixture(scope="session")
def walker() -> SimpleNamespace:
    """A random walk as a person would make it: `walk(session, moves)`, and `teach(session)` for the replay of it."""
    from explorer.core.chat import Chat, ChatOptions, Message
    from explorer.core.distribution import Candidate, Distribution
    from explorer.core.record import events
    from explorer.core.sampling.params import SamplingParams
    from explorer.core.score import Scored
    from explorer.core.token import Token
    from explorer.core.walk.validity import refuge

    def spelt(token_id: int, first: bool = False) -> Token:
        if token_id == 300:
            return Token(300, b"<|end|>", "special", "<|end|>")
        if token_id == 301:
            return Token(301, "옛".encode() if first else " 옛".encode(), "text", "▁옛")
        return Token.from_bytes(token_id, bytes([token_id % 256]))

    def teach(session) -> None:
        for tokenizer in ("0" * 64, "1" * 64):
            session.learn_sequence([spelt(301, first=True)], tokenizer)
            session.learn([spelt(token_id) for token_id in (*range(256), 300, 301)], tokenizer)

    def table(ids: list[int], n: int) -> Distribution:
        listed = dict.fromkeys([n % 256, (n * 7 + len(ids)) % 256, 300, 301, 0xEC])
        candidates = tuple(
            Candidate(
                token=spelt(token_id),
                rank=rank,
                logit=-0.1 * rank,
                logprob=-1.7 * rank,
                prob=0.3 / rank,
                sampling_prob=0.4 / rank,
                cut_by="top_p" if n % 2 else None,
                adjusted_rank=n % 3 or None,
            )
            for rank, token_id in enumerate(listed, 1)
        )
        return Distribution(candidates, 302, None if n % 5 == 0 else 1.25, 0.1, n % 302, n % 3 / 4, 0.5)

    def event(session, kind: str, n: int):
        """What a person would do next; None where it is not possible."""
        if kind == "prompt":
            ids = [301, *f"뷁{n} a".encode()] if n % 3 else [0xEC, 0x98]
            if n % 5 == 0:
                more = {"calls": [{"n": n}]} if n % 2 else {}
                chat = Chat((Message("user", f"뷁{n}", more),), ChatOptions(bool(n % 3), None, {"thinking": None}))
                tokens = [spelt(token_id, index == 0) for index, token_id in enumerate(ids)]
                return events.Prompt.of(f"뷁{n} a", tokens, chat)
            return events.Prompt(text=f"뷁{n} a", ids=ids)
        if kind == "params":
            biases = ((n, 1.5),) if n % 2 else ()
            params = SamplingParams(n % 9 / 4, 1.0 - n % 4 / 5, n % 7, n or None, min_p=n % 3 / 4, logit_bias=biases)
            return events.Params.of(params)
        if kind == "engine":
            tokenizer = f"{n // 2 % 2}" * 64
            return events.Engine(
                restarted=bool(n % 2), model="other", dtype="bfloat16", device="cuda:0", tokenizer=tokenizer
            )
        if kind == "end":
            return events.End()
        if not session.trees:
            return None
        if kind == "move":
            roots = [i for i, tree in enumerate(session.trees) if tree.tokenizer == session.tokenizer]
            root = roots[n % len(roots)] if roots else None
            return root if root is None else events.Move(root=root, node=n % len(session.trees[root].nodes))
        if session.tree.tokenizer != session.tokenizer:
            return None
        if kind in ("back", "undo", "redo"):
            return getattr(session, kind)()
        if kind == "delete":
            number = n % len(session.tree.nodes)
            possible = number or (n % 3 == 0 and refuge(session, session.root) is not None)
            return session.delete(number) if possible else None
        if kind == "bookmark":
            return session.bookmark(f"뷁{n}" if n % 4 else None)
        if kind == "inside":
            at = n % max(len(session.tree.prompt), 1)
            return events.Seen.of(0, table(session.prefix()[:at], n), at) if at else None
        if kind == "seen":
            return events.Seen.of(session.node, table(session.prefix(), n))
        if kind == "force":
            return session.force(Scored(spelt(n % 256), -0.5, 0.6, n % 9 + 1, 1.5), joined=n % 2 > 0)
        candidates = session.cursor.distribution.candidates if session.cursor.distribution else ()
        if not candidates:
            return None
        candidate = candidates[n % len(candidates)]
        if kind == "sample":
            return session.choose(candidate, "sampled", session.cursor.draws, joined=n % 2 > 0)
        return session.choose(candidate, "picked")

    def walk(session, moves):
        """Apply the moves that are possible; the snapshots after each."""
        snapshots = []
        for kind, n in moves:
            happened = event(session, kind, n)
            if happened is not None:
                session.apply(happened)
                snapshots.append(session.snapshot())
        return snapshots

    return SimpleNamespace(walk=walk, teach=teach, table=table)
