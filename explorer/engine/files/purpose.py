"""Purpose: what a model was made for, as its files say: to go on with a text, or something else.

Owns the judgement that the list of models and the opening of one share, and the tables of the types that it rests on;
the tests hold these to transformers. What the files cannot tell is tried once the weights are there. Must not know
torch or transformers.
"""

import re
from collections.abc import Callable, Collection
from typing import Any

import msgspec


class Purpose(msgspec.Struct, frozen=True):
    """`refusal`: why the model does not go on with a text, in words that follow “name: ”; empty where it does."""

    refusal: str = ""
    note: str = ""
    """What part of the model is used, where that is not the whole."""


ENCODERS = dict.fromkeys(
    """albert bert bert-generation big_bird camembert convbert data2vec-text deberta deberta-v2 distilbert electra ernie
    esm esmc eurobert flaubert fnet funnel gte ibert jina_embeddings_v3 layoutlm longformer luke megatron-bert
    mobilebert modernbert modernvbert mpnet mra neomme nomic_bert nystromformer perceiver reformer rembert roberta
    roberta-prelayernorm roc_bert roformer squeezebert tapas ultrabert ultravbert xlm-roberta xlm-roberta-xl xmod
    yoso""".split(),
    ("is_decoder", True),
) | {"xlm": ("causal", True), "xlnet": ("attn_type", "uni")}
"""Types whose models read a text in both directions, unless the config has this field with this value."""

PAIRS = frozenset(
    """bart bigbird_pegasus blenderbot blenderbot-small canary cohere_asr dia encoder-decoder florence2 fsmt led longt5
    m2m_100 marian mbart moonshine moonshine_streaming mt5 mvp nllb-moe pegasus pegasus_x pix2struct plbart pop2piano
    pp_formulanet prophetnet seamless_m4t seamless_m4t_v2 speech-encoder-decoder speech_to_text speecht5
    switch_transformers t5 t5gemma t5gemma2 udop umt5 vision-encoder-decoder whisper""".split()
)
"""Types of an encoder and a decoder, which goes on from what the encoder has read."""

PICTURE, SOUND = "it begins from a picture, and has nothing to say to a text alone", "it begins from sound"
OTHERS = {
    **dict.fromkeys(
        ("blip", "blip-2", "instructblip", "instructblipvideo", "idefics", "kosmos-2", "kosmos-2.5"), PICTURE
    ),
    **dict.fromkeys(("kyutai_speech_to_text", "moss_transcribe_diarize", "voxtral_realtime"), SOUND),
    **dict.fromkeys(("musicgen", "musicgen_melody"), "its tokens are sound"),
    **dict.fromkeys(("gemma4_assistant", "gemma4_unified_assistant"), "it drafts tokens for another model"),
    "diffusion_gemma": "it fills a block of tokens in any order, and not one after the other",
    "evolla": "it begins from a protein",
    "pi0": "it moves a robot",
    "shieldgemma2": "it tells whether a picture is safe",
    "unlimited_ocr": "what it sees of a text depends on where its prompt ended, so that no table belongs to a text",
    **dict.fromkeys(("cpmant", "paligemma"), "it reads the whole prompt in both directions before it writes"),
}
"""Types of which transformers can generate, though not from a text alone, or not token by token."""

SENTENCE_TRANSFORMERS = ("modules.json", "config_sentence_transformers.json")
"""Files that make a folder one of the library of embedding models."""

TIED = frozenset(
    """biogpt bloom cohere cohere2 cohere2_moe cohere_compass_text ctrl ernie4_5 ernie4_5_moe falcon falcon_mamba
    gemma gemma2 gemma3 gemma3_text gemma3n gemma3n_text gemma4 gemma4_text gemma4_unified gemma4_unified_text got_ocr2
    gpt-sw3 gpt2 gpt_bigcode gpt_neo gpt_neox_japanese granite_swa jetmoe lfm2 lfm2_moe lfm3 mamba minicpm3
    modernbert-decoder mpt openai-gpt opt recurrent_gemma smollm3 starcoder2 trocr vaultgemma xglm youtu zamba zamba2
    zaya""".split()
)
"""Types whose embeddings are the output head, too, where their config does not say."""

TEXT = re.compile(r"CausalLM|LMHead|DoubleHeads|BertGenerationDecoder")
"""What the classes that go on with a text are called."""

PARTS = re.compile(r"ForConditionalGeneration|(Vision|Image|Audio|Speech)\w*(Text2Text|ToText)|_Omni_")
"""What the classes are called that go on with a text and see or hear besides."""

HEAD = re.compile(r"(^|\.)(lm_head|embed_out|output|output_layer|head)\.")
"""What the weights of an output head are called."""


def purpose(
    config: dict[str, Any], files: Collection[str] = (), weights: Callable[[], Collection[str] | None] = lambda: None
) -> Purpose:
    """What a config.json and the names of the files beside it tell.

    `weights` gives the names of the weights, or None where they are not known; it is asked only where they decide.
    """
    name = architecture(config) or ""
    kind = text_field(config, "model_type") or ""
    if any(file in files for file in SENTENCE_TRANSFORMERS):
        return Purpose("it makes one vector of a whole text: it is an embedding model of sentence-transformers")
    if kind in OTHERS:
        return Purpose(OTHERS[kind])
    decoder = "CausalLM" in name
    if (config.get("is_encoder_decoder") is True or kind in PAIRS) and not decoder:
        return Purpose("its encoder reads one thing and its decoder writes another, as for a translation")
    field, value = ENCODERS.get(kind, ("", None))
    if field and config.get(field) != value:
        return Purpose("it reads a text in both directions, to fill its gaps or to understand it")
    if re.search(r"For(Sequence|Token)Classification|Reward|ForQuestionAnswering|ForMultipleChoice", name):
        return Purpose("it gives a score or a class to a text, as reward models do")
    if "thinker_config" in config or PARTS.search(name) or (TEXT.search(name) and _other_senses(config)):
        return Purpose(note=_text_part(config))
    if TEXT.search(name) or not name or _brings_its_own(config) or not config.get("architectures"):
        return Purpose()
    if not name.endswith("Model"):
        return Purpose("it was made for something else")
    if config.get("tie_word_embeddings", kind in TIED):
        return Purpose()
    names = weights()
    if kind and (names is None or any(map(HEAD.search, names))):
        return Purpose()
    return Purpose("it has no output head that tells the next token, as embedding models have none")


def refusal(name: str, config: dict[str, Any], meant: Purpose) -> str:
    """The sentence for a model of another purpose."""
    kind = architecture(config)
    return f"{name} is not a causal language model{f' ({kind})' if kind else ''}: {meant.refusal}."


def architecture(config: dict[str, Any]) -> str | None:
    """The class that a config names, else the type of the model."""
    names = config.get("architectures")
    name = names[0] if isinstance(names, list) and names else config.get("model_type")
    return name if isinstance(name, str) else None


def text_field(config: dict[str, Any], name: str) -> str | None:
    """A field of a config, where it is a text."""
    value = config.get(name)
    return value if isinstance(value, str) else None


def _brings_its_own(config: dict[str, Any]) -> bool:
    auto_map = config.get("auto_map")
    return isinstance(auto_map, dict) and "AutoModelForCausalLM" in auto_map


def _other_senses(config: dict[str, Any]) -> list[str]:
    """The senses besides text that a config has a part for."""
    found = {name.partition("_")[0] for name, value in config.items() if name.endswith("_config") and value}
    if "thinker_config" in config and isinstance(config["thinker_config"], dict):
        found |= {name.partition("_")[0] for name in config["thinker_config"] if name.endswith("_config")}
    return [sense for sense in ("vision", "audio") if sense in found]


def _text_part(config: dict[str, Any]) -> str:
    match _other_senses(config):
        case ["vision"]:
            return "text part of a vision-language model"
        case ["audio"]:
            return "text part of an audio-language model"
        case ["vision", "audio"]:
            return "text part of a model that also sees and hears"
    return "text part of a multimodal model"
