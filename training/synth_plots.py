"""The plots of the English template stories.

In a template, `[a|b]` stands for one of its alternatives (they may nest) and `{slot}` for a word of the story's own
cast, so that names and pronouns stay the same to the end.
"""

from typing import NamedTuple


class Plot(NamedTuple):
    """One plot: what it is about, who may be its hero, and its paragraphs."""

    topic: str
    heroes: str  # "child", "animal" or "any"
    paragraphs: tuple[str, ...]


def _plot(topic: str, heroes: str, text: str) -> Plot:
    """Read a plot from text: one paragraph per block, blocks parted by empty lines."""
    return Plot(topic, heroes, tuple(" ".join(p.split()) for p in text.split("\n\n")))


# ------------------------------------------------------------------------------- plots
PLOTS = (
    _plot(
        "a lost toy",
        "any",
        """{n} had a {colour} {toy}. It was a gift from {his} {elder}, and
{he} [loved it very much|played with it every day].

{time}, the {toy} was gone! {n} looked {spot}, but it was not there. {He} looked {spot2}, but it
was not there either. {n} [was very sad|began to cry|sat down and sighed].

Then {his} friend {fintro} came by. "[What is wrong|Why are you sad]?" asked {f}. "I lost my
{colour} {toy}," said {n}. "[Do not worry|Do not cry]," said {f}. "[We will look together|I will
help you]."

They looked and looked. At last, {f} looked {spot3}. "[Here it is|I found it|Look]!"
[cried|shouted] {f}. {n} was {glad}. "[Thank you, {f}|You are a good friend]," {he} said. They
played with the {toy} until [the sun went down|it was time for supper].""",
    ),
    _plot(
        "sharing",
        "any",
        """{n} had a good friend named {f}. {time}, the two friends saw a
{colour} {toy} {spot}.

"I saw it first! It is mine!" [said|shouted] {n}. "No, it is mine!" [said|shouted] {f}. They pulled
and pulled, and [both of them became angry|the {toy} almost broke].

{n_s} {elder} heard the noise. "[You can share it|You can take turns]," said {his} {elder}. "{f}
can play first, and then {n} can play." {n} looked at the ground. "I am sorry, {f}," {he} said. "I
am sorry, too," said {f}.

So they took turns with the {toy}, and it was much more fun. [Sharing is better than
fighting.|They did not fight again.]""",
    ),
    _plot(
        "a hurt animal",
        "child",
        """{n} loved animals. {time}, {he} heard a small sound. {He}
looked {yard} and saw a [little|tiny|gray] {small}. It had hurt its leg and could not walk.

"You poor {small}," said {n}. "I will help you." {He} picked it up gently and carried it home.
{His} {elder} [found a soft blanket|made a bed in a box|brought warm water]. They gave it {fruit}
and milk.

Every day, {n} took care of the {small}. After [a week|two weeks|ten days], its leg was strong
again. {n} opened the [door|gate|window]. "Now you can go home," {he} said. The {small} looked back
once, and then it was gone.

The next [spring|morning|week], {n} heard a sound at the door. It was the {small}! It had
brought {him} a {colour} [flower|leaf|feather|stone]. {n} was {glad}.""",
    ),
    _plot(
        "a picnic in the rain",
        "any",
        """{time}, {n} said to {his} friend {fintro}, "Let us have
a picnic!" "[What a good idea|Yes, that will be fun]!" said {f}. They put some {treat} and {fruit}
in a basket and walked to the [park|river|lake|hill|meadow].

But soon [the sky became dark|gray clouds covered the sun], and it began to rain. "Oh no! Our
picnic is ruined," said {n}. {f} thought for a moment. "We can [have our picnic at home|sit under
the bridge|go into the old barn]," said {f}.

They ran as fast as they could. Soon they were [dry and warm|laughing again]. They ate the
{treat} and the {fruit} and listened to the rain. "This is the best picnic ever!" said {n}.""",
    ),
    _plot(
        "being brave",
        "any",
        """{n} had one problem. {He} was afraid of [the dark|the
thunder|deep water|the big dog|high places|loud noises].

{time}, {his} {elder} found {him} {spot}. "Why are you hiding, {n}?" asked {his} {elder}. "I am
afraid," said {n}. "[Everyone is afraid sometimes|I was afraid, too, when I was little]," said
{his} {elder}. "Take a deep breath and count to three with me."

{n} took a deep breath and counted. "One, two, three!" {He} opened {his} eyes. [Nothing bad
happened.|It was not so bad.] "I did it!" [cried|said] {n}. {His} {elder} gave {him} a big hug.""",
    ),
    _plot(
        "baking",
        "child",
        """{n} liked to help in the kitchen. {time}, {his} {elder} said, "Let
us make {baked} today." {n} opened the cupboard and took out the [flour|butter|eggs].

But {n} made a mistake. {He} put in [salt|pepper|too much water]! When they tasted it, it was
[terrible|awful|very bad]. "[I ruined it|I am so sorry]," said {n}. "Everyone makes mistakes," said
{his} {elder}. "[Let us try again|We will start over]."

This time, {n} was very careful. {He} opened the oven, and the whole house smelled wonderful.
"[This is delicious|You are a good cook]," said {his} {elder}. {n} was {glad}. {He} took some
{baked} to {his} friend {f}, too.""",
    ),
    _plot(
        "getting lost",
        "any",
        """{time}, {n} saw a {colour} [butterfly|bird|leaf in the wind].
{He} followed it [over the hill|into the woods|across the bridge]. {He} walked and walked. When
{he} stopped, {he} did not know where {he} was.

"Help! I am lost!" [called|cried] {n}. An old {beast} came out from the bushes. "[Do not be
afraid|Do not cry, little one]," said the {beast}. "Follow the [river|path|sound of the bell], and
you will find your home."

{n} thanked the {beast} and did as it said. Soon {he} saw {his} {elder}. "[I was so
worried!|Where have you been?]" said {his} {elder}. "I am sorry. I will not go so far alone
again," said {n}. They went home and ate {treat}.""",
    ),
    _plot(
        "a big question",
        "any",
        """{n} wanted to know why [the moon is bright|the sky is
blue|the sea is salty|leaves fall down|snow is white|stars come out at night].
So {he} asked the {beast}. "I do not know," said the {beast}. "Ask the {beast2}." {n} went to the
{beast2}. "I do not know," said the {beast2}. "Ask the old owl."

{n} walked until {he} came to the tree of the old owl. The owl opened one eye. "[That is a good
question|What a wise question]," said the owl. "[Nobody knows everything, but you can learn
something new every day|Keep asking, and one day you will know|Open a book and read, and you will
find out]."

{n} thanked the owl. That night, {he} [looked at the sky for a long time|opened a big book and
began to read|dreamed of owls and stars].""",
    ),
    _plot(
        "a riddle",
        "any",
        """{time}, the [king said to all|queen said to all], "Whoever answers
my riddle shall have [a bag of gold|a white horse|a golden ring]." Many came, but nobody knew the
answer.

Then {n} stood up. "May I try?" {he} asked. Some laughed, but {n} was not afraid. The riddle was
this. "[What has hands but cannot clap?" "A clock|What has a neck but no head?" "A bottle|What has
teeth but cannot bite?" "A comb|What has one eye but cannot see?" "A needle|What gets wetter as it
dries?" "A towel]!" said {n}.

"That is right!" said the voice from the throne. "You are small, but you are [wise|clever]."
{n} took the prize home and shared it with {his} {elder} and {his} friend {f}.""",
    ),
    _plot(
        "a seed",
        "any",
        """{time}, {his} {elder} gave {n} a tiny seed. "Plant it and wait," said
{his} {elder}. {n} dug a hole {yard} and put the seed in the ground.

Every day, {n} gave it water. But nothing happened. "[It will never grow|My seed is sleeping],"
said {n}. {His} friend {fintro} came to look. "[Good things take time|Be patient]," said {f}.

{He} waited and waited. Then, [after a warm rain|one bright morning], a small green leaf came
up. It grew and grew until it was a [beautiful|tall|strong] {flower}. "[Look, {f}|It was worth
the wait]!" said {n}. {He} was {glad}.""",
    ),
    _plot(
        "a race",
        "any",
        """{time}, there was a big race. {n} wanted to win, and so did {his}
friend {fintro}. "Ready? One, two, three, go!" called the {beast}.

{n} ran as fast as {he} could. {He} was first! But then {he} heard a cry. {f} had [fallen over a
stone|stepped into a hole|slipped in the mud]. {n} stopped. "[Are you hurt|Are you all right],
{f}?" {he} asked.

{n} helped {f} up, and they walked to the end together. [They were last|They did not win], but
everyone clapped. "You are the real winner," said {his} {elder}, and gave {him} some {treat}.""",
    ),
    _plot(
        "a new friend",
        "any",
        """{time}, somebody new came to live nearby. It was {fintro}. {f}
was very shy and stood alone {yard}.

{n} wanted to be kind. "Hello! I am {n}," {he} said. "Do you want to play with my {colour} {toy}?"
{f} [said nothing|looked at the ground]. So {n} put the {toy} down and waited.

After a while, {f} took one step, and then another. "I like your {toy}," said {f}
[softly|quietly]. They played all day. They [ate {fruit}|built a small house|ran in the wind],
and {f} was not shy any more. "Thank you for being my friend," said {f}.""",
    ),
    _plot(
        "going to sleep",
        "any",
        """It was late, and the [moon was high|stars were shining|sky
was dark]. {n} was in bed, but {he} could not sleep. {He} opened the [window|curtain|door] and
called {his} {elder}.

{His} {elder} came and sat beside {him}. "[Close your eyes|Listen to the wind|Think of something
nice]," said {his} {elder}. "I will [sing you a song|tell you a story|stay with you]."

{n} held {his} {colour} [blanket|pillow|toy bear] and listened. Slowly, {his} eyes closed.
"Good night, {n}," said {his} {elder}. And {n} dreamed that {he} could [fly over the sea|talk
to the stars|play all night].""",
    ),
    _plot(
        "a key",
        "any",
        """{time}, {n} found a [small|shiny|rusty] key {spot}. "What does it
open?" {he} asked. {He} showed it to {his} friend {fintro}.

They tried the key in the [door|gate]. It did not open. They tried it in the [drawer|cupboard]. It
did not open. Then {f} saw an old [box|chest|trunk] {spot2}. {n} turned the key. Click!

{n} opened the lid. Inside, there was [a {colour} {toy}|a book of stories|a letter from {his}
{elder}|an old map]. "[What a treasure|How wonderful]!" said {f}. They sat down and looked at
it together. {n} was {glad}.""",
    ),
    _plot(
        "telling the truth",
        "any",
        """{His} {elder} had a {colour} [cup|bowl|vase|lamp]. "Please
be careful with it," said {his} {elder}. But {time_low}, {n} ran through the room and knocked it
down. It broke!

{n} was [scared|worried]. {He} hid the pieces {spot}. But {he} could not eat {his} {treat}, and
{he} could not play. {His} friend {fintro} said, "[You will feel better if you tell the truth|Tell
the truth, {n}]."

So {n} went to {his} {elder}. "I broke it. I am sorry," {he} said. {His} {elder} was quiet for
a moment. "[Thank you for telling me|I am glad that you told the truth]," said {his} {elder}.
"[We can fix it with glue|That was brave]." {n} felt much better.""",
    ),
    _plot(
        "working together",
        "any",
        """{time}, the wind took {his} {colour} {light} and carried it
up into a tall tree. {n} jumped, but {he} could not reach it.

{His} friend {fintro} came to help. {f} could not reach it either. Then the {beast} came, and then
the {small}. "[Let us work together|I have an idea]," said {n}. The {beast} stood at the bottom.
The {small} climbed on its back. Then came {f}, and {n} stood at the very top.

{He} stretched out and took the {light}. "[We did it|Hooray]!" they all [shouted|cried]. Then
they ate {fruit} in the shade.""",
    ),
    _plot(
        "a magic wish",
        "any",
        """{time}, {n} saw a golden fish in [a net|a small pool|a bucket].
"Please let me go," said the fish, "and I will give you a wish." {n} put the fish back into the
water.

{n} thought and thought. {He} could wish for a mountain of {treat} or a {colour} {toy}. But {his}
friend {f} had been sick for a long time. "I wish that {f} will be well again," said {n}.

The fish jumped [once|twice|three times], and there was a bright light. When {n} came home, {f}
was standing at the door and smiling. "I feel well!" said {f}. {n} was {glad}. {He} told
{him_self} that it was the best wish in the world.""",
    ),
    _plot(
        "a snowy day",
        "any",
        """{time_snow}, {n} woke up and opened the [window|door|curtain].
Everything was white! "Snow!" [cried|shouted] {n}. {He} put on a {colour} scarf and ran to find
{fintro}.

They made a big snowman. They gave it a carrot for a nose and [two stones|two nuts|buttons] for
eyes. "He looks cold," said {f}. So {n} gave the snowman {his} scarf.

At night, the wind blew, but in the morning the scarf was hanging on {n_s} door, and next to it
was [an icicle like a star|a heart made of snow]. "[The snowman says thank you!|Was it magic?]"
said {f}. {n} only smiled.""",
    ),
    _plot(
        "a birthday surprise",
        "any",
        """It was {n_s} birthday, but nobody said a word. {He} went
to see {fintro}. "I am busy today," said {f}, and closed the door. {n} felt [sad|lonely|forgotten].

{He} walked home slowly. {He} opened the door. "Surprise!" [shouted|cried] everyone. There were
{colour} balloons and a big plate of {treat}. {f} was there, and {his} {elder}, too.

"[Did you think that we forgot?|We planned it for days!]" said {f}, and gave {him} a {colour}
{toy}. {n} was {glad}. {He} blew out [five|six|seven] candles and made a wish.""",
    ),
    _plot(
        "helping others",
        "any",
        """{time}, {n} was going to the market with a basket of {fruit}.
On the way, {he} met a hungry {beast}. {n} gave it some {fruit}. Then {he} met a tired old {big}.
{n} gave it the rest.

When {he} came to the market, the basket was empty. "What will my {elder} say?" thought {n}. But on
the way home, it began to [snow|storm|rain], and {he} could not see the path.

"Follow me," said the {beast}. "Sit on my back," said the old {big}. They brought {n} safely
home. {His} {elder} opened the door and smiled. "Kindness always comes back," said {his}
{elder}.""",
    ),
)
