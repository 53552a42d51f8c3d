// The tree: branches as runs of text, made when they are unfolded, so that a large walk opens at once.

const AT_ONCE = 100; // Branches of one fork that are listed before the person asks for more.
const CLIPPED = 160; // Characters of a run.

class Branches {
  // `open(root, node)` is called where the person picks a branch.
  constructor(box, open) {
    this.box = box;
    this.open = open;
    box.replaceChildren(...trees.map((tree, root) => this.item(root, [], 1)));
    box.querySelector("[role=treeitem]").tabIndex = 0;
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("click", (event) => this.click(event));
  }

  // The prompt, for no nodes; else a run.
  item(root, nodes, level) {
    const tree = trees[root];
    const end = nodes.at(-1) ?? 0;
    const names = nodes.length ? nodes.map((node) => tree.name(node)) : [tree.name(0)];
    const length = nodes.length || tree.length;
    const text = nodes.length ? clip(nodes, (node) => tree.text(node)) + tree.pending(end) : tree.said.title;
    const sum = nodes.length ? decimal(tree.sums[end]) : "";
    const flags = names.filter((name) => name !== undefined).map((name) => `⚑ ${name}`);
    const words = text.replaceAll("\n", "↵ ");
    const told = [words, many(length, "token"), ...flags].join(", ");
    const item = make("li", { role: "treeitem", tabIndex: -1, ariaLevel: level, ariaLabel: told });
    item.branch = { root, node: end, first: nodes[0] ?? 0, level };
    if (tree.children[end].length) item.setAttribute("aria-expanded", "false");
    item.append(
      make(
        "div",
        { className: nodes.length ? "run" : "run prompt" },
        make("span", { className: "twist" }),
        make("bdi", { className: "words" }, words),
        ...flags.map((name) => make("span", { className: "name" }, name)),
        make("span", { className: "length" }, many(length, "token")),
        make("span", { className: "sum", title: "sum of the logprobs after the prompt" }, sum),
      ),
    );
    return item;
  }

  unfold(item, wanted = true) {
    if (!item.hasAttribute("aria-expanded")) return;
    item.setAttribute("aria-expanded", String(wanted));
    if (wanted && !item.querySelector(":scope > ul")) {
      const group = make("ul", { role: "group" });
      item.append(group);
      this.more(item, group, 0);
    }
  }

  more(item, group, from) {
    const { root, node, level } = item.branch;
    const children = trees[root].children[node];
    const next = from + AT_ONCE;
    for (const child of children.slice(from, next)) group.append(this.item(root, trees[root].run(child), level + 1));
    if (next >= children.length) return;
    const rest = many(children.length - next, "more branch", "more branches");
    const button = make("button", { type: "button", className: "more" }, rest);
    button.addEventListener("click", () => {
      button.parentNode.remove();
      this.more(item, group, next);
      this.mark();
    });
    group.append(make("li", { role: "none" }, button));
  }

  // Unfold down to a node, and mark what is on its path.
  show(root, node) {
    this.shown = [root, node];
    const line = [0, ...trees[root].line(node)];
    let item = this.box.children[root];
    while (item && item.branch.node !== node && line.includes(item.branch.node)) {
      this.unfold(item);
      item = this.child(item, line[line.indexOf(item.branch.node) + 1]);
    }
    this.mark();
  }

  // The run that begins with a node, listed by now.
  child(item, first) {
    for (;;) {
      const found = [...item.querySelectorAll(":scope > ul > [role=treeitem]")].find((one) => one.branch.first === first);
      const more = item.querySelector(":scope > ul > li > .more");
      if (found || !more) return found;
      more.click();
    }
  }

  mark() {
    const [root, node] = this.shown;
    const line = new Set([0, ...trees[root].line(node)]);
    let last = null;
    for (const item of this.items()) {
      const on = item.branch.root === root && line.has(item.branch.first);
      item.classList.toggle("on", on);
      item.removeAttribute("aria-current");
      if (on) last = item;
    }
    last?.setAttribute("aria-current", "true");
  }

  items() {
    return [...this.box.querySelectorAll("[role=treeitem]")];
  }

  visible() {
    return this.items().filter((item) => !item.parentNode.closest("[aria-expanded=false]"));
  }

  focus(item) {
    if (!item) return;
    for (const one of this.box.querySelectorAll("[role=treeitem][tabindex='0']")) one.tabIndex = -1;
    item.tabIndex = 0;
    item.focus();
  }

  click(event) {
    const item = event.target.closest("[role=treeitem]");
    if (!item || event.target.closest("button")) return;
    this.focus(item);
    if (event.target.closest(".twist")) this.unfold(item, item.getAttribute("aria-expanded") === "false");
    else this.pick(item);
  }

  pick(item) {
    this.unfold(item);
    this.open(item.branch.root, item.branch.node);
  }

  key(event) {
    const item = event.target.closest("[role=treeitem]");
    if (!item || event.target !== item) return;
    const seen = this.visible();
    const at = seen.indexOf(item);
    const expanded = item.getAttribute("aria-expanded");
    const acts = {
      ArrowDown: () => this.focus(seen[at + 1]),
      ArrowUp: () => this.focus(seen[at - 1]),
      Home: () => this.focus(seen[0]),
      End: () => this.focus(seen.at(-1)),
      ArrowRight: () => (expanded === "false" ? this.unfold(item) : this.focus(seen[at + 1])),
      ArrowLeft: () => (expanded === "true" ? this.unfold(item, false) : this.focus(item.parentNode.closest("[role=treeitem]"))),
      Enter: () => this.pick(item),
      " ": () => this.pick(item),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }
}

function clip(nodes, text) {
  let words = "";
  for (const node of nodes) {
    words += text(node);
    if (words.length > CLIPPED) return words + " …";
  }
  return words;
}
