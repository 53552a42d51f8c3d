"""How a text is split before bytes are merged: the pre-tokenizers that GGUF files name in `tokenizer.ggml.pre`.

Owns what each name stands for, as llama.cpp reads it: expressions that split one after the other, each what the ones
before have left. Where llama.cpp simplifies what a model was published with, this is what llama.cpp does, for the
weights are used with it. The expressions are those of Oniguruma, which the tokenizers library splits with. Must not
know files.
"""

from typing import NamedTuple


class Splitting(NamedTuple):
    """What a name stands for."""

    patterns: tuple[str, ...]
    whole_words: bool = False
    """Whether a piece that is an entry as it stands is never put together by merges."""
    adds_bos: bool = False
    """Whether a text begins with BOS where the file does not say."""
    has_bos: bool = True
    """Whether there is a BOS where the file names none."""
    spelt_as_text: bool = False
    """Whether entries are spelt as texts, with ▁ for a space and <0x0A> for a byte, and not in GPT-2's alphabet."""
    whole_newlines: bool = False
    """Whether a run of newlines that is an entry is never put together by merges."""


CONTRACTIONS = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
BREAKS = r"\s*[\r\n]+|\s+(?!\S)|\s+"
MARKS = r" ?[^\s\p{L}\p{N}]+"
WORD = r"[^\r\n\p{L}\p{N}]?\p{L}+"
ASCII_MARK = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]"""
GROUPS = r"\P{N}*\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))"
"""Digits by threes from the end of a number, the first with what stands before the number."""

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"
DIGIT, THREE, THREE_ASCII = r"\p{N}", r"\p{N}{1,3}", "[0-9][0-9][0-9]"
LLAMA3 = rf"{CONTRACTIONS}|{WORD}|\p{{N}}{{1,3}}|{MARKS}[\r\n]*|{BREAKS}"
QWEN2 = rf"{CONTRACTIONS}|{WORD}|\p{{N}}|{MARKS}[\r\n]*|{BREAKS}"
QWEN35 = (
    rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|{BREAKS}"
)
UPPER, LOWER = r"(?:(?=\p{L})[^a-z])", r"(?:(?=\p{L})[^A-Z])"
"""Letters that are not of the other case: beyond ASCII every letter is both."""
UPPER_MARKED, LOWER_MARKED = r"(?:(?=[\p{L}\p{M}])[^a-z])", r"(?:(?=[\p{L}\p{M}])[^A-Z])"


def _cased(upper: str, lower: str, digits: str, ending: str = "") -> str:
    """Words that change from upper to lower case but once, as GPT-4o and Tekken split them."""
    lead = r"[^\r\n\p{L}\p{N}]?"
    words = f"{lead}{upper}*{lower}+{ending}|{lead}{upper}+{lower}*{ending}"
    return rf"{words}|{digits}|{MARKS}[\r\n/]*|{BREAKS}"


TEKKEN = _cased(UPPER, LOWER, DIGIT)
GPT4O = _cased(UPPER, LOWER, THREE, f"{CONTRACTIONS}?")
GRANITE = _cased(UPPER_MARKED, LOWER_MARKED, THREE, f"{CONTRACTIONS}?")
MARKED = r"[\p{L}\p{M}]"
TINY_AYA = _cased(MARKED, MARKED, THREE, f"{CONTRACTIONS}?")
YOUTU = _cased(MARKED, MARKED, DIGIT, f"{CONTRACTIONS}?")
DEEPSEEK3 = rf"{ASCII_MARK}[A-Za-z]+|[^\r\n\p{{L}}\p{{P}}\p{{S}}]?[\p{{L}}\p{{M}}]+| ?[\p{{P}}\p{{S}}]+[\r\n]*|{BREAKS}"
SPARK = (
    rf"{ASCII_MARK}[A-Za-z]+|[^\r\n\p{{L}}\p{{P}}\p{{S}}]?[\p{{L}}\p{{M}}]+| ?[\p{{P}}\p{{S}}]+|[\r\n]|\s+(?!\S)|\s+"
)
CASCADE = "".join(rf"|\s{{{count}}}(?!\S)" for count in ("512", "256", "128", "64", "32", "16", "8", "4", "1,2"))
JAIS2 = rf"{CONTRACTIONS}|{WORD}|\p{{N}}{{1,3}}|{MARKS}[\r\n]*|\s*[\r\n]+{CASCADE}|\s"
BAILING = rf"'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|{WORD}|\p{{N}}|{MARKS}[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
SEED = rf"{CONTRACTIONS}|{WORD}|\p{{N}}| ?[^\s\p{{L}}\p{{N}}\r\n]+|{BREAKS}"
EXAONE_MOE = (
    rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?(?:\p{{L}}\p{{M}}*(?: \p{{L}}\p{{M}}*)*)+|\p{{N}}|{MARKS}[\r\n/]?"
    r"|\s*[\r\n]|\s+(?!\S)|\s+"
)
MINICPM = rf"{CONTRACTIONS}|{WORD}|\p{{N}}+|{MARKS}[\r\n]*|{BREAKS}"
UFAKZEKA = rf"{WORD}|\p{{N}}|{MARKS}[\r\n]*|{BREAKS}"
LINES = r"[^\n]+|\n+"
BLOOM = " ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+"

HAN = (
    "\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002a6df\U0002a700-\U0002b73f\U0002b740-\U0002b81f\U0002b820-\U0002ceaf"
    "\U0002ceb0-\U0002ebef\uf900-\ufaff\U0002f800-\U0002fa1f"
)
KIMI = rf"[{HAN}]+|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}&&[^{HAN}]]+{CONTRACTIONS}?|\p{{N}}{{1,3}}|{MARKS}[\r\n]*|{BREAKS}"
CJK = "[\u0800-\u9fa5\uac00-\ud7ff&&[^\\s]]+"
CHINESE_JAPANESE = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"
ASIAN = (
    "[\u4e00-\u9fff\u3400-\u4dbf\u8c48-\ufaff\u3040-\u309f\u30a0-\u30ff\uff65-\uff9f\u2f00-\u2fdf\u0e40-\u0e7f"
    "\u0e80-\u0eff\u1780-\u17ff\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff\uac00-\ud7af\u1100-\u11ff]+"
)
SCRIPTS = (
    "[\uac00-\ud7a3\u3131-\u318e]+|[\uff01\u2026\u201c\u201d\u2018\u2019\u2014\uff1a\uff1b\uff0c\u3001-\u303f"
    "\ufe30-\ufe4f]+|[\u3105-\u312f]+|" + CHINESE_JAPANESE
)
CASED_LETTERS = (
    "\\s?[A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373"
    "\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f"
    "\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77"
    "\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d"
    "\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4"
    "\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139"
    "\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d"
    "\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a"
    "\uff41-\uff5a\U00010400-\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2"
    "\U00010cc0-\U00010cf2\U000118a0-\U000118df\U0001e900-\U0001e943]+"
)
MARKS_OF_DEEPSEEK = "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3001\u3002]+"

DEFAULT = "default"
"""What a file means that names none: its tokenizer is from before the names."""

KINDS: dict[tuple[str, ...], Splitting] = {
    (DEFAULT,): Splitting((r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", THREE_ASCII)),
    ("llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano"): (
        Splitting((LLAMA3,), whole_words=True, adds_bos=True)
    ),
    ("dbrx", "smaug-bpe"): Splitting((LLAMA3,)),
    ("chatglm-bpe",): Splitting((LLAMA3,), has_bos=False),
    ("glm4", "glm5"): Splitting((LLAMA3,), has_bos=False, whole_words=True),
    ("minicpm5",): Splitting((THREE, MINICPM), whole_words=True),
    ("jais-2",): Splitting((JAIS2,)),
    ("deepseek-llm",): Splitting((r"[\r\n]", CASED_LETTERS, MARKS_OF_DEEPSEEK, r"\s+\z", CJK, r"\p{N}+")),
    ("deepseek-coder",): Splitting((r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CJK, DIGIT)),
    ("deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"): Splitting((THREE, CHINESE_JAPANESE, DEEPSEEK3)),
    ("spark2_5",): Splitting((THREE, CHINESE_JAPANESE, SPARK, DIGIT)),
    ("youtu",): Splitting((SCRIPTS, YOUTU), whole_words=True),
    ("falcon",): Splitting((r"[\p{P}\$\+<=>\^~\|`]+", GPT2, THREE_ASCII)),
    ("starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2"): (
        Splitting((DIGIT, GPT2))
    ),
    (
        *("gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es", "jina-v2-de", "a.x-4.0", "mellum"),
        *("modern-bert", "jina-v1-en", "jina-v2-code", "roberta-bpe", "mpt", "olmo", "jais", "trillion"),
        *("granite-docling", "exaone4"),
    ): Splitting((GPT2,)),
    (
        *("qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan", "solar-open", "grok-2"),
    ): Splitting((QWEN2,)),
    ("qwen35",): Splitting((QWEN35,)),
    ("poro-chat", "bloom", "gpt3-finnish"): Splitting((BLOOM,)),
    ("viking",): Splitting((BLOOM, DIGIT)),
    ("tekken",): Splitting((TEKKEN,), whole_words=True, adds_bos=True),
    ("chameleon",): Splitting(
        (
            "<sentinel:[0-9]+>",
            "IMGIMG[A-I]{1,4}Z",
            r"[\t\n]|    |  ",
            DIGIT,
            r"[\p{P}!-/:-@\[-`{-~]",
            GPT2,
        ),
        adds_bos=True,
    ),
    ("gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"): Splitting((GPT4O,)),
    ("granite-embed-multi-97m",): Splitting((GRANITE,), whole_words=True),
    ("tiny_aya", "cohere2moe"): Splitting((GROUPS, TINY_AYA)),
    ("kimi-k2",): Splitting((KIMI,)),
    ("superbpe",): Splitting((r"\p{N}+", "(?=(?:[0-9]{3})+(?![0-9]))")),
    ("bailingmoe", "bailingmoe2", "llada-moe"): Splitting((BAILING,)),
    ("seed-coder",): Splitting((SEED,)),
    ("ufakzeka",): Splitting((UFAKZEKA,)),
    ("afmoe",): Splitting((GROUPS, ASIAN, DEEPSEEK3)),
    ("laguna",): Splitting((LINES, QWEN2)),
    ("exaone-moe",): Splitting((EXAONE_MOE,)),
    ("gemma4", "granite-embed-multi-311m"): Splitting((LINES,), spelt_as_text=True, whole_newlines=True),
    ("sarvam-moe",): Splitting((LINES,), spelt_as_text=True),
}

SPLITTINGS = {name: splitting for names, splitting in KINDS.items() for name in names}
"""By the name that a file gives."""
