// The page: which path, which token and which colours are shown, and how the keys and the address say so.

const METRICS = Object.fromEntries([...walk.metrics, ["none", "none"]]);
const THEMES = { auto: "auto", light: "light", dark: "dark" };
const state = { root: 0, node: 0, pinned: null, metric: walk.heat };

const tree = () => trees[state.root];
const line = () => tree().line(state.node);
const end = () => text.spans.length - 1;

const text = new Text($("text"), (index, pinned) => (pinned ? pin(index) : look(index ?? state.pinned)));
const detail = new Detail($("detail"), $("table"), (child) => go(state.root, tree().tip(child), indexOf(child)));
const branches = new Branches($("tree"), (root, node) => go(root, node, null));

const indexOf = (node) => tree().length + tree().line(node).length - 1;

function go(root, node, index) {
  Object.assign(state, { root, node, pinned: null });
  text.show(tree(), line());
  text.colour(state.metric);
  branches.show(root, node);
  $("sums").textContent = sums();
  pin(index);
}

function pin(index) {
  state.pinned = index;
  document.documentElement.toggleAttribute("data-pinned", index !== null);
  look(index, true);
  const place = index === null ? "" : `&t=${index}`;
  history.replaceState(null, "", `#n=${tree().said.root}.${tree().said.number[state.node]}${place}`);
}

function look(index, scroll = false) {
  text.mark(index, scroll);
  if (index === null) detail.hint();
  else if (index >= end()) detail.ahead(tree(), state.node);
  else detail.show(tree(), text.places[index]);
}

// The text as a whole: what comes after the prompt.
function sums() {
  const length = state.node ? line().length : 0;
  const total = tree().sums[state.node];
  const words = [`${many(tree().length, "token")} of the prompt, ${many(length, "token")} after it`];
  if (length && !Number.isNaN(total)) words.push(`logprob ${decimal(total)}`, `perplexity ${decimal(Math.exp(-total / length))}`);
  return words.join(" · ");
}

function choices(box, name, options, chosen, choose) {
  for (const [value, label] of Object.entries(options)) {
    const input = make("input", { type: "radio", name, value, checked: value === chosen });
    input.addEventListener("change", () => choose(value));
    box.append(make("label", {}, input, make("span", {}, label)));
  }
}

function colour(metric) {
  state.metric = metric;
  document.body.dataset.metric = metric;
  text.colour(metric);
  const [, , low, high] = walk.metrics.find(([id]) => id === metric) ?? ["", "", "", ""];
  const steps = [0, 1, 2, 3, 4].map((step) => make("span", { className: "token", "data-heat": step }));
  const name = make("span", { className: "metric" }, `${METRICS[metric]}:`);
  const scale = make("span", { className: "scale", ariaHidden: "true" }, ...steps);
  $("legend").replaceChildren(...(metric === "none" ? [] : [name, low, scale, high]));
}

function turn(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function keys(event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const at = state.pinned ?? -1;
  const acts = {
    ArrowRight: () => pin(Math.min(at + 1, end())),
    ArrowLeft: () => pin(Math.max(at - 1, 0)),
    ArrowDown: () => pin(at < 0 ? 0 : text.beside(at, 1)),
    ArrowUp: () => pin(at < 0 ? end() : text.beside(at, -1)),
    Home: () => pin(0),
    End: () => pin(end()),
    Escape: () => pin(null),
  };
  if (!acts[event.key]) return;
  event.preventDefault();
  acts[event.key]();
}

// `#n=PROMPT.NODE&t=INDEX`, by the numbers of the record.
function fromAddress() {
  const said = new URLSearchParams(location.hash.slice(1));
  const [prompt, number] = (said.get("n") ?? walk.at.join(".")).split(".").map(Number);
  const root = Math.max(0, trees.findIndex((one) => one.said.root === prompt));
  const node = Math.max(0, trees[root].said.number.indexOf(number));
  const index = said.has("t") ? Number(said.get("t")) : null;
  const last = trees[root].length + trees[root].line(node).length;
  go(root, node, index === null || !(index >= 0) ? null : Math.min(Math.trunc(index), last));
}

$("facts").append(...walk.facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, make("bdi", {}, value))]));
choices($("metrics"), "metric", METRICS, state.metric, colour);
choices($("themes"), "theme", THEMES, document.documentElement.dataset.theme ?? "auto", turn);
$("text").addEventListener("keydown", keys);
$("close").addEventListener("click", () => pin(null));
addEventListener("hashchange", fromAddress);
addEventListener("beforeprint", () => $("facts").closest("details").setAttribute("open", ""));
fromAddress();
colour(state.metric);
document.documentElement.dataset.ready = "yes";
