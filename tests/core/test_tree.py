from hypothesis import given
from hypothesis import strategies as st

from explorer.core.choice import Choice
from explorer.core.token import Token, shown_bytes
from explorer.core.walk.tree import Node, Tree


def token(data: bytes, token_id: int | None = None) -> Token:
    return Token.from_bytes(data[0] if token_id is None else token_id, data)


def add(tree: Tree, parent: int, spelt: Token, choice: Choice) -> Node:
    node = tree.after(parent, spelt, choice)
    tree.append(node)
    return node


def grown(parents: list[int]) -> Tree:
    """A tree in which node n + 1 was added below parents[n], each with an id of its own."""
    tree = Tree("ab", (token(b"a"), token(b"b")))
    for number, parent in enumerate(parents, 1):
        add(tree, parent % number, token(b"x", 1000 + number), Choice("picked"))
    return tree


@given(st.lists(st.integers(0, 50), max_size=40))
def test_a_prefix_is_the_prompt_and_the_ids_down_to_the_node(parents):
    tree = grown(parents)
    for node in tree.nodes:
        path = tree.path(node.number)
        assert tree.prefix(node.number) == [97, 98, *(below.token.id for below in path)]
        assert len(tree.prefix(node.number)) == node.length
        for below in path:
            assert below.parent is not None
            assert tree.nodes[below.parent].children[below.token.id] == below.number


@given(st.text(min_size=1, max_size=10), st.text(max_size=10), st.data())
def test_the_texts_of_a_path_join_to_the_text_of_its_bytes(prompt, after, data):
    whole = (prompt + after).encode()
    cut = data.draw(st.integers(1, len(whole)))
    tree = Tree(prompt, tuple(token(bytes([byte])) for byte in whole[:cut]))
    number = 0
    for byte in whole[cut:]:
        number = add(tree, number, token(bytes([byte])), Choice("sampled")).number
    shown = "".join(tree.prompt_texts) + "".join(node.text for node in tree.path(number))
    assert shown == prompt + after
    assert tree.nodes[number].pending == b""
    assert tree.nodes[number].draws == len(whole) - cut


def test_a_character_appears_with_its_last_byte():
    first, second, third = "옛".encode()
    tree = Tree("", (token(bytes([first])),))
    middle = add(tree, 0, token(bytes([second])), Choice("picked"))
    last = add(tree, middle.number, token(bytes([third])), Choice("picked"))
    broken = add(tree, middle.number, token(b"a"), Choice("picked"))
    assert tree.prompt_texts == [""]
    assert (middle.text, middle.pending) == ("", bytes([first, second]))
    assert (last.text, last.pending) == ("옛", b"")
    assert broken.text == shown_bytes(bytes([first, second])) + "a"


def test_only_sampled_tokens_count_as_draws():
    tree = Tree("a", (token(b"a"),))
    picked = add(tree, 0, token(b"b"), Choice("picked"))
    sampled = add(tree, picked.number, token(b"c"), Choice("sampled"))
    other = add(tree, 0, token(b"d"), Choice("sampled"))
    assert [node.draws for node in (picked, sampled, other)] == [0, 1, 1]


def test_after_a_sampled_token_the_next_draw_is_the_one_after_its_own():
    tree = Tree("a", (token(b"a"),))
    first = add(tree, 0, token(b"b"), Choice("sampled", draw=0))
    again = add(tree, 0, token(b"c"), Choice("sampled", draw=3))
    after = add(tree, again.number, token(b"d"), Choice("picked"))
    assert [node.draws for node in (tree.nodes[0], first, again, after)] == [0, 1, 4, 4]


def test_a_prompt_without_tokens_has_a_root_without_a_token():
    tree = Tree("", ())
    assert (tree.nodes[0].token, tree.prefix(0), tree.nodes[0].length) == (None, [], 0)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40), st.data())
def test_a_tree_from_which_nodes_were_taken_is_the_one_before_they_were_added(parents, data):
    tree, count = grown(parents), data.draw(st.integers(0, len(parents)))
    for _ in parents[count:]:
        tree.pop()
    assert tree.nodes == grown(parents[:count]).nodes
