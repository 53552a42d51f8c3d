"""The words of the English template stories: who is in them, where, and with what."""

from training.synth_text import phrases

GIRLS = """Lily Mia Anna Emma Rosie Lucy Sara Nora Ella Ruby Grace Maya Zoe Alice Ivy Clara Molly
Daisy Mina Jane Kate Amy Lena Sue Bella Hazel Tara Penny Julia Sophie Wendy Nina Leila Fay Olive
Poppy Heidi Dora Elsie Flora Greta Holly Irene Josie Kira Luna Marta Pearl""".split()
BOYS = """Tom Ben Sam Max Leo Tim Jack Finn Noah Henry Oliver Theo Owen Luke Adam Hugo Eli Peter
David Kai Will Bob Joe Dan Toby Oscar Felix Simon Paul Mark Fred Arthur Ravi Omar Pablo Ivan Carl
Edwin Frank George Harry Isaac Jasper Kevin Louis Milo Nate Ralph""".split()
ANIMALS = """rabbit fox bear mouse squirrel duck frog hedgehog turtle kitten puppy deer pig goat
lamb beaver otter badger pony chick donkey raccoon penguin monkey panda mole cub calf goose
elephant""".split()
TRAITS = """little small young brave shy clever curious gentle merry kind tiny cheerful happy
friendly quiet playful honest sleepy funny polite eager lively careful smart lonely silly
thoughtful busy patient""".split()
CHILD_PLACES = phrases("""in a small village by the sea, in a quiet town, in a house on a hill,
on a farm, in a tiny cottage, in a big city, in an old house with a red door, on a long street,
in a white house near the church, above a bakery, beside a lighthouse, next to a green park,
near the market, in a flat with many stairs, at the end of a dusty road""")
ANIMAL_PLACES = phrases("""in a deep forest, beside a wide river, at the edge of the woods,
in a green valley, under a tall oak tree, in a sunny meadow, near a blue lake, on a small island,
behind an old barn, under a thorny bush, in a warm hole under the ground, by a stony brook,
at the foot of a mountain, in a field of clover, beyond the old mill""")
HOBBIES = phrases("""sing, dance, run in the grass, jump over puddles, look at the clouds,
count the stars, climb trees, pick flowers, swim in the pond, listen to stories, play hide and
seek, collect smooth stones, chase butterflies, watch the boats, roll down the hill,
help other people, ask questions, build little houses, sleep in the sun, play in the mud""")
COLOURS = "red blue green yellow purple orange white golden silver pink brown striped".split()
TOYS = phrases("""ball, kite, boat, train, drum, balloon, lantern, whistle, hat, scarf, bell,
robot, doll, top, wagon, flag, ribbon, blanket, bucket, cup, button, marble, umbrella, horn,
ring, necklace, pencil, puzzle, yo-yo, airplane, truck, crown, mirror, feather, jar, spoon""")
SPOTS = phrases("""under the bed, behind the door, in the tall grass, beside the pond, under a
bush, on top of the shelf, in the garden, near the old well, inside a basket, behind the big tree,
in the kitchen, under the table, beside the fence, under a pile of leaves, behind the barn""")
TREATS = phrases("""bread, apple pie, soup, honey cakes, pancakes, cookies, rice cakes, muffins,
chocolate cake, cheese, sandwiches, noodles, jam tarts, corn bread, biscuits, plum cake""")
FRUITS = phrases("""apples, pears, berries, cherries, plums, nuts, carrots, peaches, grapes,
strawberries, melons, oranges, tomatoes, beans, pumpkins, radishes""")
FLOWERS = phrases("sunflower, rose, bean plant, apple tree, daisy, tulip, pumpkin, lily")
TIMES = phrases("""One day, One morning, One sunny day, One afternoon, One cold morning, One windy
day, One spring day, One summer morning, One fine day, Early one morning, One Sunday""")
FEELINGS = phrases("very happy, so happy, happy and proud, full of joy, glad, delighted")
WEATHER = phrases("""The sun was warm and the birds were singing, A soft wind was blowing, The sky
was blue and clear, The grass was still wet, The leaves were turning yellow, White clouds
floated by, The air smelled of flowers, It was a very quiet day, Bees hummed in the flowers""")
BEASTS = "fox bear turtle deer goat beaver otter badger donkey raccoon goose panda swan".split()
SMALL = "rabbit mouse squirrel duck frog hedgehog kitten chick mole puppy sparrow".split()
BIG = "bear deer pony donkey elephant horse ox camel".split()
YARDS = phrases("""in the garden, beside the fence, near the old well, behind the barn,
under a tree, next to the gate, by the wall, near the path""")
BAKED = "bread,muffins,cookies,biscuits,apple pie,plum cake,honey cakes".split(",")
LIGHT = "kite hat balloon flag scarf ribbon umbrella feather".split()
ELDERS = "mother father grandmother grandfather uncle aunt".split()
OPENED = (
    "door and [looked outside|walked in|saw a long, dark hall|let the cat out|said hello]",
    "box and [looked inside|found an old letter|saw many bright beads|smiled]",
    "window and [felt the cool wind|looked at the garden|listened to the birds|waved]",
    "book and [began to read|looked at the pictures|turned the pages slowly]",
    "gate and [walked into the garden|ran down the path|let the sheep in]",
    "drawer and [took out a pencil|found a piece of string|looked for a spoon]",
    "basket and [took out an apple|counted the eggs|saw a sleeping kitten]",
    "cupboard and [looked for a cup|took out the honey|found the sugar]",
    "letter and [read it twice|laughed out loud]",
    "jar and [took one cookie|smelled the jam]",
    "bag and [took out a small cake|found a warm scarf]",
    "umbrella and went out into the rain",
    "curtain and [looked at the moon|let the sunshine in]",
    "chest and saw a heap of old coins",
    "tent and crawled inside",
    "shutters and [looked at the sky|called good morning]",
)

# ------------------------------------------------------------------- openings, endings
OPENINGS = (
    "Once upon a time, there was a {adj} {kind} named {n}. {He} lived {place}.",
    "Once upon a time, there was a {adj} {kind} [named|called] {n}.",
    "Once upon a time there was a {adj} {kind} named {n}. {n} lived {place}.",
    "Once upon a time, there lived a {adj} {kind} [named|called] {n}. {His} home was {place}.",
    "Once upon a time there lived a {adj} {kind} whose name was {n}.",
    "Once upon a time, {place}, there lived a {adj} {kind} [named|called] {n}.",
    "Once upon a time, a {adj} {kind} named {n} lived {place}.",
    "[Long ago|A long time ago|Many years ago], {place}, there lived a {adj} {kind} named {n}.",
    "There once was a {adj} {kind} named {n} who lived {place}.",
    "{n} was a {adj} {kind}. {He} lived {place} with {his} [family|mother and father|brothers].",
)
DETAILS = (
    "{He} [liked|loved] to {hobby}[| and to {hobby2}].",
    "Every day, {n} liked to {hobby}.",
    "{weather}.",
    "{He} opened the {opened}.",
    "{n} opened the {opened}.",
    "{n} liked {fruit} [best of all|more than anything else].",
    "",
)
ENDINGS = (
    "[And they|They|They all] lived happily ever after.",
    "They lived happily ever after. The end.",
    "The end.",
    "From that day on, {n} and {f} were the best of friends.",
    "It was the best day ever.",
    "{n} never forgot that day.",
    "{n} lived happily ever after.",
    "From that day on, {n} was [always kind to others|a little braver|a little wiser].",
    "{n} [smiled and smiled|was happy all day long]. The end.",
    "And everyone was happy.",
)
