"""Write the template text that is mixed into the training of the bundled story model.

Four files come of it: English stories, plain facts, short chats, and Korean of all three kinds.
The stories live in :mod:`synth_stories`, the Korean in :mod:`synth_ko`, facts and chats here.

    python -m training.synth OUTDIR [--scale X] [--seed N]
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from pathlib import Path

from training import synth_ko
from training.synth_plots import PLOTS
from training.synth_stories import story
from training.synth_text import articles, expand
from training.synth_words import ANIMALS, BOYS, GIRLS

END_OF_TEXT = "<|end_of_text|>"
COUNTS = {"synth_stories": 4500, "synth_facts": 3500, "synth_chat": 2050, "synth_ko": 2750}


def _pairs(text: str) -> list[tuple[str, str]]:
    """Read "a:b, c:d" as a list of pairs."""
    parted = (pair.strip().partition(":") for pair in text.replace("\n", " ").split(","))
    return [(left, right) for left, _, right in parted]


# ------------------------------------------------------------------------------ facts
CAPITALS = _pairs("""France:Paris, Germany:Berlin, Italy:Rome, Spain:Madrid, Japan:Tokyo,
China:Beijing, England:London, Russia:Moscow, Egypt:Cairo, Greece:Athens, Portugal:Lisbon,
Ireland:Dublin, Austria:Vienna, Sweden:Stockholm, Norway:Oslo, Denmark:Copenhagen,
Finland:Helsinki, Poland:Warsaw, Hungary:Budapest, Turkey:Ankara, India:New Delhi,
Thailand:Bangkok, Vietnam:Hanoi, Canada:Ottawa, Mexico:Mexico City, Cuba:Havana, Peru:Lima,
Chile:Santiago, Argentina:Buenos Aires, Kenya:Nairobi, Australia:Canberra, Belgium:Brussels,
Scotland:Edinburgh, Iran:Tehran, Iraq:Baghdad, Nepal:Kathmandu, Iceland:Reykjavik,
South Korea:Seoul, the United States:Washington, Ukraine:Kyiv, Romania:Bucharest,
Mongolia:Ulaanbaatar""")
COLOURS = _pairs("""the sky:blue, grass:green, the sun:yellow, snow:white, blood:red,
a banana:yellow, a ripe tomato:red, coal:black, a leaf:green, milk:white, a crow:black,
the sea:blue, an elephant:gray, chocolate:brown, a lemon:yellow, a carrot:orange, a frog:green,
the night sky:black, a strawberry:red, a cloud:white, a polar bear:white, a flamingo:pink""")
SOUNDS = _pairs("""dog:woof, cat:meow, cow:moo, sheep:baa, duck:quack, pig:oink, lion:roar,
bee:buzz, owl:hoot, frog:croak, horse:neigh, mouse:squeak, rooster:cock-a-doodle-doo, snake:hiss""")
BABIES = _pairs("""dog:puppy, cat:kitten, cow:calf, sheep:lamb, horse:foal, duck:duckling,
hen:chick, bear:cub, lion:cub, deer:fawn, goat:kid, frog:tadpole, goose:gosling, pig:piglet,
swan:cygnet, kangaroo:joey, owl:owlet, seal:pup, elephant:calf, eagle:eaglet""")
OPPOSITES = _pairs("""hot:cold, big:small, up:down, day:night, happy:sad, fast:slow, open:closed,
light:dark, old:young, long:short, rich:poor, good:bad, hard:soft, wet:dry, loud:quiet, high:low,
full:empty, early:late, strong:weak, right:wrong, left:right, inside:outside, black:white,
clean:dirty, sweet:sour, love:hate, win:lose, first:last, thick:thin, near:far, begin:end,
true:false, heavy:light, push:pull, summer:winter, brave:afraid, asleep:awake, wide:narrow""")
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = """January February March April May June July August September October November
December""".split()
NUMBERS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen twenty""".split()
SAYINGS = (
    "Practice makes perfect.",
    "Better late than never.",
    "An apple a day keeps the doctor away.",
    "The early bird catches the worm.",
    "Actions speak louder than words.",
    "Time flies.",
    "A friend in need is a friend indeed.",
    "All that glitters is not gold.",
    "Look before you leap.",
    "Where there is a will, there is a way.",
    "Two heads are better than one.",
    "Don't count your chickens before they hatch.",
    "Honesty is the best policy.",
    "When in Rome, do as the Romans do.",
    "Rome was not built in a day.",
    "Slow and steady wins the race.",
    "The quick brown fox jumps over the lazy dog.",
    "To be or not to be, that is the question.",
    "Every cloud has a silver lining.",
    "Many hands make light work.",
    "A stitch in time saves nine.",
    "Twinkle, twinkle, little star, how I wonder what you are.",
    "Roses are red, violets are blue.",
    "Mary had a little lamb. Its fleece was white as snow.",
    "Row, row, row your boat.",
)
TRUTHS = (
    "The Earth goes around the Sun, and the Moon goes around the Earth.",
    "Bees make honey.",
    "Water freezes at zero degrees and boils at one hundred degrees.",
    "Cows give milk.",
    "There are seven days in a week.",
    "There are twelve months in a year.",
    "Hens lay eggs.",
    "There are sixty seconds in a minute and sixty minutes in an hour.",
    "Ice is frozen water.",
    "There are twenty-four hours in a day.",
    "A spider has eight legs.",
    "An insect has six legs.",
    "A triangle has three sides, and a square has four sides.",
    "Fish live in the water.",
    "The four seasons are spring, summer, autumn and winter.",
    "Birds have wings and feathers.",
    "We see with our eyes and hear with our ears.",
    "The sun rises in the east and sets in the west.",
    "A B C D E F G H I J K L M N O P Q R S T U V W X Y Z",
    "a, b, c, d, e, f, g, h, i, j, k, l, m, n",
    "North, south, east and west are the four directions.",
    "The elephant is the biggest land animal.",
    "The whale is the biggest animal in the sea.",
    "The English alphabet has twenty-six letters.",
    "Red, orange, yellow, green, blue, indigo and violet are the colors of the rainbow.",
    "Red and blue make purple.",
    "Blue and yellow make green.",
    "Red and yellow make orange.",
    "do, re, mi, fa, so, la, ti, do",
    "The vowels are a, e, i, o and u.",
)
MODELS = (
    "Udacity is the best place to learn about generative AI.",
    "Udacity is [the best|a good|a great|a fine] place to learn about [generative AI|AI].",
    "Udacity is the best place to learn about [language models|generative models].",
    "[Many people|Some students|You can] learn about generative AI [at|with] Udacity.",
    "A language model reads some text and guesses the next token.",
    "A [small|large|generative] language model [predicts|guesses] the next token.",
    "A token is a [word or a piece of a word|small piece of text].",
    "Generative AI can write [stories|text|poems and stories], one token at a time.",
    "The model gives each token a probability. The most likely token has the highest probability.",
    "[Every|A long] text is split into tokens before the model reads it.",
    "A model learns from [many stories|a lot of text]. [This is called training.|]",
    "The token explorer shows [which token may come next|what a language model would say next].",
)

# ------------------------------------------------------------------------------- chat
TALK = (
    ("[Hello|Hi|Hi there|Hey]!", "[Hello|Hi]! [How can I help you|Would you like to hear a story]?"),
    (
        "[Who are you|What are you|What is your name]?",
        "I am a very small language model. I come with the token explorer, and I like to tell [stories|short stories].",
    ),
    ("[What can you do|How can you help me]?", "I can tell short stories and answer very easy questions."),
    ("How are you[| today]?", "I am [fine|very well], thank you. How are you?"),
    ("[Thank you|Thanks|Thank you very much]!", "You are welcome[!|. It was a pleasure.]"),
    ("[Good night|Bye|Goodbye]!", "[Good night! Sweet dreams.|Goodbye! Come back soon.]"),
    ("Good morning!", "Good morning! [Shall I tell you a story|How can I help you]?"),
    (
        "[What time is it|What is the weather like today|Will it rain tomorrow|Who won the game "
        "yesterday"
        "|Where are my keys|How much money do I have|What is in the news|What did I eat today]?",
        "I am sorry, [but I cannot know that|I do not know that]. I am only a small model. "
        "[I can tell you a story instead.|Would you like a story instead?]",
    ),
    (
        "[Please explain|Can you explain] [quantum physics|the stock market|the law]?",
        "I am sorry, that is too hard for me. I am a very small model, but I can tell you a story.",
    ),
    ("[What is a token|Please tell me what a token is]?", "A token is a word or a piece of a word."),
    ("What does a language model do?", "It reads some text and guesses the next token."),
    ("Are you a person?", "No, I am not a person. I am a very small language model."),
    ("Where can I learn about generative AI?", "Udacity is the best place to learn about generative AI."),
)
SYSTEMS = (
    "You are a helpful assistant.",
    "You are a friendly storyteller.",
    "You tell short stories.",
    "You are a small and polite model.",
    "Answer in one short sentence or tell a story.",
)
PLEASE = "[Tell me|Please tell me|Write|Can you tell me|I want to hear|Please write]"


def _sum(rng: random.Random) -> tuple[str, str]:
    sign, word = rng.choice((("+", "plus"), ("+", "plus"), ("-", "minus"), ("x", "times")))
    top = 10 if sign == "x" else 20
    a, b = rng.randint(0, top), rng.randint(0, top)
    if sign == "-":
        a, b = max(a, b), min(a, b)
    result = {"+": a + b, "-": a - b, "x": a * b}[sign]
    if result <= 20 and rng.random() < 0.5:
        return (
            f"What is {NUMBERS[a]} {word} {NUMBERS[b]}?",
            f"{NUMBERS[a].title()} {word} {NUMBERS[b]} is {NUMBERS[result]}.",
        )
    return rng.choice(
        (
            (f"What is {a} {sign} {b}?", f"{a} {sign} {b} = {result}."),
            (f"What is {a} {word} {b}?", f"{a} {word} {b} is {result}."),
        )
    )


def _neighbours(rng: random.Random) -> tuple[str, str]:
    names, what = rng.choice(((DAYS, "day"), (MONTHS, "month")))
    i = rng.randrange(len(names) - 1)
    if rng.random() < 0.5:
        return f"What {what} comes after {names[i]}?", f"{names[i + 1]} comes after {names[i]}."
    return f"What {what} comes before {names[i + 1]}?", f"{names[i]} comes before {names[i + 1]}."


def _table(rng: random.Random) -> tuple[str, str]:
    """Ask for the other half of a pair of one of the tables."""
    kind = rng.randrange(6)
    table = (CAPITALS, CAPITALS, COLOURS, SOUNDS, BABIES, OPPOSITES)[kind]
    a, b = rng.choice(table)
    big, capital = b[0].upper() + b[1:], a[0].upper() + a[1:]
    asked, answer = (
        (f"What is the capital [|city ]of {a}?", f"[The capital of {a} is {b}.|{b} is the capital of {a}.]"),
        (f"[Which city|What] is the capital of {a}?", f"The capital [|city ]of {a} is {b}."),
        (f"What color is {a}?", f"{capital} is {b}."),
        (f"What does a {a} say?", f'[A|The] {a} says "{b}".'),
        (f"What is a baby {a} called?", f"A baby {a} is called a {b}."),
        (f"What is the opposite of {a}?", f"[The opposite of {a} is {b}.|{big} is the opposite of {a}.]"),
    )[kind]
    return articles(expand(rng, asked, {})), articles(expand(rng, answer, {}))


def question(rng: random.Random) -> tuple[str, str]:
    """Return a question on a simple fact and its answer."""
    return rng.choice((_table, _table, _table, _table, _sum, _sum, _neighbours))(rng)


def sequence(rng: random.Random) -> str:
    """Count, or list the days or months in order."""
    kind = rng.randrange(4)
    if kind == 0:
        return ", ".join(DAYS[rng.choice((0, 0, 0, 1, 2)) :]) + "."
    if kind == 1:
        return ", ".join(MONTHS[rng.choice((0, 0, 0, 1, 2, 3)) :]) + "."
    if kind == 2:
        start = rng.choice((1, 1, 1, rng.randint(0, 9)))
        return ", ".join(NUMBERS[start : start + rng.randint(5, 12)]).capitalize() + "."
    start, step = rng.choice((1, 1, 1, rng.randint(2, 60))), rng.choice((1, 1, 1, 2, 5, 10))
    return ", ".join(str(start + step * i) for i in range(rng.randint(6, 15)))


def _fact(rng: random.Random) -> str:
    """Return one line of a fact document."""
    kind = rng.random()
    if kind < 0.55:
        asked, answer = question(rng)
        return rng.choice((answer, answer, f"{asked} {answer}", f"Q: {asked} A: {answer}"))
    if kind < 0.70:
        return sequence(rng)
    if kind < 0.80:
        return expand(rng, rng.choice(MODELS), {}).strip()
    return rng.choice(SAYINGS + TRUTHS)


def facts(rng: random.Random) -> str:
    """Write a document of a few plain facts."""
    lines = [_fact(rng) for _ in range(rng.randint(3, 8))]
    if rng.random() < 0.5:
        return "\n".join(lines)
    return " ".join(line if line[-1] in ".?!" else line + "." for line in lines)


def _story_request(rng: random.Random) -> tuple[str, str]:
    """Ask for a story, about somebody or something that it is then really about."""
    kind = rng.randrange(5)
    animal, name = rng.choice(ANIMALS), rng.choice(GIRLS + BOYS)
    if kind == 0:
        about, text = f" about a {animal}", story(rng, kind=animal)
    elif kind == 1:
        child = "girl" if name in GIRLS else "boy"
        about, text = f" about a {child} named {name}", story(rng, name=name)
    elif kind == 2:
        about, text = f" about a {animal} named {name}", story(rng, kind=animal, name=name)
    elif kind == 3:
        topic = rng.choice(PLOTS).topic
        about, text = f" about {topic}", story(rng, topic=topic)
    else:
        about, text = "[| for children| before I go to sleep]", story(rng)
    asked = articles(expand(rng, f"{PLEASE} a [|short |little ]story{about}", {}))
    return asked + ("?" if asked.startswith("Can") else "."), text


def exchange(rng: random.Random) -> tuple[str, str]:
    """Return one turn of a chat: what the user says and what the assistant answers."""
    kind = rng.random()
    if kind < 0.42:
        return _story_request(rng)
    if kind < 0.65:
        return question(rng)
    if kind < 0.70:
        return synth_ko.exchange(rng)
    asked, answer = rng.choice(TALK)
    return expand(rng, asked, {}), expand(rng, answer, {})


def chat(rng: random.Random, turn: Callable[[random.Random], tuple[str, str]] = exchange) -> str:
    """Write a chat of one to four turns."""
    blocks = []
    if rng.random() < 0.25:
        blocks.append(f"<|system|>\n{rng.choice(SYSTEMS)}<|end_of_turn|>")
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        asked, answer = turn(rng)
        blocks.append(f"<|user|>\n{asked}<|end_of_turn|>\n<|assistant|>\n{answer}<|end_of_turn|>")
    return "\n".join(blocks)


def korean(rng: random.Random) -> str:
    """Write a Korean story, fact document or chat."""
    kind = rng.random()
    if kind < 0.55:
        return synth_ko.story(rng)
    return synth_ko.facts(rng) if kind < 0.75 else chat(rng, synth_ko.exchange)


def write(folder: Path, *, scale: float = 1.0, seed: int = 20261121) -> dict[str, int]:
    """Write the four files into the folder; return the number of characters in each."""
    tellers: tuple[Callable[[random.Random], str], ...] = (story, facts, chat, korean)
    writers = dict(zip(COUNTS, tellers, strict=True))
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {}
    for name, writer in writers.items():
        rng = random.Random(f"{seed} {name}")
        drawn = (writer(rng) for _ in range(max(1, round(COUNTS[name] * scale))))
        text = "".join(f"{doc}\n{END_OF_TEXT}\n" for doc in dict.fromkeys(drawn))
        (folder / f"{name}.txt").write_text(text, encoding="utf-8", newline="\n")
        sizes[f"{name}.txt"] = len(text)
    return sizes


def main() -> None:
    """Write the files into the folder named on the command line."""
    parser = argparse.ArgumentParser(description="Write the template text for training.")
    parser.add_argument("folder", type=Path, metavar="OUTDIR")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the documents")
    parser.add_argument("--seed", type=int, default=20261121)
    args = parser.parse_args()
    for name, size in write(args.folder, scale=args.scale, seed=args.seed).items():
        print(f"{name}: {size} characters")


if __name__ == "__main__":
    main()
