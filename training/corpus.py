"""Text into token arrays: what the embedded model is trained on, and its tokenizer.

Owns the list of sources, the share of each in training, the byte-level BPE and the chat template. Must not know the
model, the optimizer or torch: with the arrays that `token_arrays` writes, a machine needs no text to train.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

BOUNDARY = "<|end_of_text|>\n"
"""Separates documents in the text files."""

SPECIAL_TOKENS = (
    "<|pad|>",
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|end_of_turn|>",
)
PAD, BOS, END_OF_TEXT, END_OF_TURN = 0, 1, 2, 6

SHARES = {
    "tinystories": 3.0,
    "synth_stories": 8.0,
    "storybooks_en": 6.0,
    "pg_bailey": 11.0,
    "pg_series": 18.0,
    "pg_oz": 8.0,
    "pg_lang": 13.0,
    "pg_tales": 18.0,
    "synth_facts": 4.0,
    "synth_chat": 4.5,
    "synth_ko": 3.6,
    "ko_storybooks": 0.4,
}
"""Source -> share of the training windows, in percent: simple prose first."""

NATURAL = ("tinystories", "storybooks_en", "pg_bailey", "pg_series", "pg_oz", "pg_lang", "pg_tales")
"""Sources of natural English prose: their validation perplexity is the figure on the model card."""

TOKENIZER_REPEATS = {"tinystories": 3, "storybooks_en": 3, "synth_facts": 8, "synth_ko": 2, "ko_storybooks": 3}
"""Times a source is shown to the BPE trainer (default 1). Facts come often enough that capitals, weekdays and number
words become single tokens."""

PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""How text is cut before BPE: words with their space, single digits, runs of punctuation, white space."""

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>\n' + message['content'] + '<|end_of_turn|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)


def documents(folders: list[Path], source: str) -> list[str]:
    """The documents of a source, from the first folder that has it.

    Raises FileNotFoundError when none has.
    """
    for folder in folders:
        path = folder / f"{source}.txt"
        if path.exists():
            return [text.strip("\n") for text in path.read_text("utf-8").split(BOUNDARY) if text.strip()]
    raise FileNotFoundError(f"{source}.txt is in none of {', '.join(map(str, folders))}")


def train_tokenizer(folders: list[Path], vocabulary: int) -> Tokenizer:
    """A byte-level BPE of `vocabulary` entries, all 256 bytes and the special tokens among them, that adds BOS."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=2,
        show_progress=False,
    )

    def shown() -> Iterator[str]:
        for source in SHARES:
            texts = documents(folders, source)
            for _ in range(TOKENIZER_REPEATS.get(source, 1)):
                yield from texts

    tokenizer.train_from_iterator(shown(), trainer)
    bos = SPECIAL_TOKENS[BOS]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, BOS)]
    )
    return tokenizer


class TokenArrays:
    """The token ids of one source: `train` and `validation` (the last 2 % of the shuffled documents), both uint16 [T],
    each document as BOS ... END_OF_TEXT; `starts` the indices of the documents of `train`."""

    def __init__(self, train: np.ndarray, validation: np.ndarray) -> None:
        self.train = train
        self.validation = validation
        self.starts = np.flatnonzero(train == BOS)

    def window(self, rng: np.random.Generator, length: int) -> np.ndarray:
        """`length` training ids as int64: half of the windows begin with a document, the others anywhere, after BOS."""
        last = len(self.train) - length
        start = int(rng.integers(0, last))
        if rng.random() < 0.5:
            start = min(int(self.starts[rng.integers(len(self.starts))]), last)
        ids = self.train[start : start + length].astype(np.int64)
        ids[0] = BOS
        return ids


def token_arrays(folders: list[Path], work: Path, tokenizer: Tokenizer) -> dict[str, TokenArrays]:
    """Every source as token ids, cached under `work` by the hash of the text and of the tokenizer.

    Where a text is missing, a cached array of that source is used: the arrays are all that has to travel.
    """
    work.mkdir(parents=True, exist_ok=True)
    spelling = tokenizer.to_str().encode()
    arrays = {}
    for source in SHARES:
        try:
            texts = documents(folders, source)
        except FileNotFoundError:
            cached = sorted(work.glob(f"{source}.*.npz"))
            if not cached:
                raise
            path = cached[-1]
        else:
            digest = hashlib.sha256(spelling + "\0".join(texts).encode()).hexdigest()[:12]
            path = work / f"{source}.{digest}.npz"
            if not path.exists():
                _encode(texts, path, tokenizer)
        loaded = np.load(path)
        arrays[source] = TokenArrays(loaded["train"], loaded["validation"])
    return arrays


def _encode(texts: list[str], path: Path, tokenizer: Tokenizer) -> None:
    order = np.random.default_rng(1).permutation(len(texts))
    held_out = max(2, len(texts) // 50)
    parts = []
    for chosen in (order[held_out:], order[:held_out]):
        encodings = tokenizer.encode_batch([texts[index] for index in chosen], add_special_tokens=False)
        parts.append(np.concatenate([np.array([BOS, *e.ids, END_OF_TEXT], dtype=np.uint16) for e in encodings]))
    np.savez(path, train=parts[0], validation=parts[1])
