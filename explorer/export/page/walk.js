// The walk: what the page's data says, as trees, paths and the numbers of a token. Knows nothing of the page.

const walk = JSON.parse(document.getElementById("walk").textContent);
const SOURCES = { p: "picked", s: "sampled", f: "forced" };

const token = (index) => ({
  id: walk.tokens[0][index],
  label: walk.tokens[1][index],
  text: walk.tokens[2][index],
  bytes: walk.tokens[3][index],
  special: walk.tokens[4][index],
});

// The heat of a place by a metric, from 0 (expected, or sure) to 4; null where the number is not known.
function step(heat, metric, at) {
  const said = heat[metric]?.[at] ?? "-";
  return said === "-" ? null : Number(said);
}

class Tree {
  constructor(said) {
    this.said = said;
    this.length = said.prompt.token.length;
    this.size = said.number.length;
    this.children = Array.from({ length: this.size }, () => []);
    this.sums = new Float64Array(this.size); // Logprobs after the prompt down to a node; NaN where one is unknown.
    for (let node = 1; node < this.size; node++) {
      const parent = this.parent(node);
      this.children[parent].push(node);
      const prob = said.prob[node - 1];
      this.sums[node] = this.sums[parent] + (prob === null ? NaN : Math.log(prob));
    }
  }

  parent(node) {
    return this.said.parent[node - 1];
  }

  child(node, id) {
    return this.children[node].find((child) => token(this.said.token[child - 1]).id === id);
  }

  // Node 0 is the prompt; the nodes after it, down to this one.
  line(node) {
    const nodes = [];
    for (let at = node; at > 0; at = this.parent(at)) nodes.push(at);
    return nodes.reverse();
  }

  // From a node on, until it forks or ends.
  run(node) {
    const nodes = [node];
    while (this.children[nodes.at(-1)].length === 1) nodes.push(this.children[nodes.at(-1)][0]);
    return nodes;
  }

  // The end of the first branch after a node.
  tip(node) {
    while (this.children[node].length) node = this.children[node][0];
    return node;
  }

  text(node) {
    return this.said.text[node - 1] ?? token(this.said.token[node - 1]).text;
  }

  name(node) {
    return this.said.names[node];
  }

  pending(node) {
    return this.said.pending[node] ?? "";
  }

  table(node) {
    return readTable(this.said.table[node]);
  }

  // The numbers of the token at an index of the path that ends with the nodes of a line.
  place(index, line) {
    return index < this.length ? this.placeOfPrompt(index) : this.placeOf(index, line[index - this.length]);
  }

  placeOfPrompt(index) {
    const { token: tokens, text, logprob, rank, entropy, table } = this.said.prompt;
    // A token with a rank and no logprob is impossible: JSON has no number for minus infinity.
    const nats = logprob[index] ?? (typeof rank[index] === "number" ? -Infinity : null);
    return {
      index,
      node: null,
      token: token(tokens[index]),
      text: text[index] ?? token(tokens[index]).text,
      prob: nats === null ? null : Math.exp(nats),
      rank: rank[index] ?? null,
      entropy: entropy[index] ?? null,
      sampling: null,
      heat: (metric) => step(this.said.prompt.heat, metric, index),
      source: "of the prompt",
      before: null,
      get table() {
        return readTable(table[index]);
      },
    };
  }

  placeOf(index, node) {
    const { said } = this;
    const at = node - 1;
    const before = this.parent(node);
    const how = SOURCES[said.source[at]];
    const seed = said.seed[at] === null ? "" : ` · seed ${said.seed[at]}`;
    const draw = said.draw[at] === null ? "" : `, draw ${said.draw[at]}`;
    return {
      index,
      node,
      token: token(said.token[at]),
      text: this.text(node),
      prob: said.prob[at],
      rank: said.rank[at],
      entropy: said.table[before] ? said.table[before][0] : said.entropy[at],
      sampling: said.sampling[at],
      heat: (metric) => step(said.heat, metric, at),
      source: how === "sampled" ? how + seed + draw : how,
      before,
      get table() {
        return readTable(said.table[before]);
      },
    };
  }
}

function readTable(said) {
  if (!said) return null;
  const [entropy, other, kept, vocabulary, settings, tokens, probs, sampling, cuts, ranks] = said;
  const rows = tokens.map((index, row) => ({
    token: token(index),
    prob: probs[row],
    sampling: sampling ? sampling[row] : probs[row],
    cut: cuts && cuts[row] ? walk.cuts[cuts[row] - 1] : null,
    rank: ranks ? ranks[row] : row + 1,
  }));
  return { entropy, other, kept, vocabulary, settings: walk.settings[settings], rows };
}

const trees = walk.prompts.map((said) => new Tree(said));
