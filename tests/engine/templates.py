"""Chat templates in the formats of real families of models, and tiny tokenizers that have their special tokens."""

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

TEXTS = ["the capital of France is Paris. You are a helpful assistant system user model", "안녕하세요 옛날 옛적에"] * 5

CHATML = """
{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0].role == 'system' %}{{- messages[0].content + '\n\n' }}{%- endif %}
    {{- '# Tools\n<tools>' }}
    {%- for tool in tools %}{{- '\n' }}{{- tool | tojson }}{%- endfor %}
    {{- '\n</tools><|im_end|>\n' }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'system' and loop.first %}{%- continue %}{%- endif %}
    {{- '<|im_start|>' + message.role + '\n' + (message.content or '') }}
    {%- for call in message.tool_calls or [] %}
        {{- '<tool_call>\n' }}{{- call.function | tojson }}{{- '\n</tool_call>' }}
    {%- endfor %}
    {{- '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\n\n</think>\n\n' }}{%- endif %}
{%- endif %}
"""
LLAMA3 = """
{{- bos_token }}
{%- for message in messages %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if tools is not none and tools %}{{- '{"tools": ' + (tools | length | string) + '}' }}{%- endif %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}
"""
GEMMA = """
{{- bos_token }}
{%- if messages[0]['role'] == 'system' %}{{- raise_exception('System role not supported') }}{%- endif %}
{%- for message in messages %}
    {%- set role = 'model' if message['role'] == 'assistant' else message['role'] %}
    {{- '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<start_of_turn>model\n' }}{%- endif %}
"""
MISTRAL = """
{%- set ns = namespace(system='') %}
{%- if messages[0].role == 'system' %}
    {%- set ns.system = messages[0].content + '\n\n' %}{%- set messages = messages[1:] %}
{%- endif %}
{{- bos_token }}
{%- for message in messages %}
    {%- if (message.role == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
    {%- endif %}
    {%- if message.role == 'user' %}
        {{- '[INST] ' + (ns.system if loop.last else '') + message.content + ' [/INST]' }}
    {%- else %}
        {{- ' ' + message.content + eos_token }}
    {%- endif %}
{%- endfor %}
"""
ZEPHYR = """
{% for message in messages %}
{{ '<|' + message['role'] + '|>\n' + message['content'] + eos_token }}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}
"""
"""Its lines stand as they are: blocks are trimmed by the environment, and what remains is part of the format."""


def byte_level(special: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=alphabet, special_tokens=special, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def sentencepiece(special: list[str], prepend: bool) -> Tokenizer:
    """In the style of Llama 2, where a space is ▁, and what is not known becomes bytes."""
    steps = [normalizers.Prepend("▁")] * prepend + [normalizers.Replace(" ", "▁")]
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(steps)
    last = [decoders.Strip(" ", 1, 0)] * prepend
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *last])
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=["<unk>", *special, *fallback], show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def _build(tokenizer: Tokenizer, template: str | None, bos: str | None, eos: str, more: list[str]):
    if bos is not None:
        ends = processors.TemplateProcessing(f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))])
        tokenizer.post_processor = ends
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=bos,
        eos_token=eos,
        additional_special_tokens=more,
        chat_template=template.removeprefix("\n") if template else None,
    )


def chat_tokenizer(family: str) -> PreTrainedTokenizerFast:
    """A tokenizer of a family, with its template; `base` has none."""
    match family:
        case "chatml":
            special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
            return _build(byte_level(special), CHATML, None, "<|im_end|>", special)
        case "llama3":
            special = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
            return _build(byte_level(special), LLAMA3, special[0], "<|eot_id|>", special[1:])
        case "gemma":
            special = ["<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"]
            return _build(sentencepiece(special, prepend=False), GEMMA, "<bos>", "<eos>", special[2:])
        case "mistral":
            return _build(sentencepiece(["<s>", "</s>"], prepend=True), MISTRAL, "<s>", "</s>", [])
        case "zephyr":
            special = ["<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>"]
            return _build(sentencepiece(special, prepend=True), ZEPHYR, "<s>", "</s>", special[2:])
    return _build(byte_level(["<s>", "</s>"]), None, "<s>", "</s>", [])


FAMILIES = ("chatml", "llama3", "gemma", "mistral", "zephyr")
