// What is known of one token: its numbers, and the table that it was chosen from.

const NO_TABLE = "The record has no table of this place.";
const hint = (words) => make("p", { className: "hint" }, words);
const facts = (words) => make("p", { className: "facts" }, words);

class Detail {
  // `follow(node)` is called where the person picks a token that was tried. The table stands outside of what a screen
  // reader tells by itself.
  constructor(box, table, follow) {
    Object.assign(this, { box, below: table, follow });
  }

  hint() {
    this.box.replaceChildren(
      hint("Point at a token, or go through the text with the arrow keys, to see what else could have stood there."),
    );
    this.below.replaceChildren();
  }

  show(tree, place) {
    const sampling = place.sampling === null ? [] : [["sampling prob", percent(place.sampling)]];
    const numbers = [
      ["probability", percent(place.prob)],
      ...sampling,
      ["surprisal", decimal(surprisal(place.prob), " bits")],
      ["rank", count(place.rank)],
      ["entropy", decimal(place.entropy, " bits")],
    ];
    const { id, bytes, label } = place.token;
    this.box.replaceChildren(
      make("h2", {}, make("bdi", { className: "name" }, label)),
      facts(`token ${place.index} · id ${id} · bytes ${bytes || UNKNOWN} · ${place.source}`),
      make("dl", {}, ...numbers.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))),
    );
    const { table } = place;
    this.below.replaceChildren(table ? this.table(tree, table, place.before, place) : hint(NO_TABLE));
  }

  // What could come after the last token of the path.
  ahead(tree, node) {
    const table = tree.table(node);
    this.box.replaceChildren(make("h2", {}, "What comes next"), facts(`entropy ${decimal(table && table.entropy, " bits")}`));
    this.below.replaceChildren(table ? this.table(tree, table, node, null) : hint(NO_TABLE));
  }

  table(tree, table, before, place) {
    const rows = table.rows.map((row) => this.row(tree, row, before, place?.token.id));
    let { other } = table;
    if (place && !table.rows.some((row) => row.token.id === place.token.id)) {
      if (other !== null && place.prob !== null) other = Math.max(0, other - place.prob);
      rows.push(this.row(tree, { ...place, cut: null }, before, place.token.id));
    }
    const columns = ["rank", "token", "model", "sampling"];
    const last = ["", "all others", percent(other), ""];
    const kept = table.kept < table.vocabulary ? `${count(table.kept)} of` : "all";
    return make(
      "div",
      {},
      make(
        "table",
        {},
        make("caption", {}, place ? "What could have stood here" : "What could stand here"),
        make("thead", {}, make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, name)))),
        make("tbody", {}, ...rows),
        make("tfoot", {}, make("tr", {}, ...last.map((words) => make("td", {}, words)))),
      ),
      hint(`The samplers keep ${kept} ${many(table.vocabulary, "token")}: ${table.settings}.`),
    );
  }

  row(tree, row, before, chosen) {
    const child = before === null ? undefined : tree.child(before, row.token.id);
    const here = row.token.id === chosen;
    const name = make("bdi", {}, row.token.label);
    const tried = child !== undefined && !here;
    const link = { type: "button", title: "Show the branch that goes on here", on: { click: () => this.follow(child) } };
    const bar = make("span", { className: "bar", ariaHidden: "true" });
    bar.style.inlineSize = `${Math.min(100, (row.prob ?? 0) * 100)}%`;
    const sampling = row.cut ? make("span", { className: "cut" }, row.cut) : percent(row.sampling);
    const classes = [here && "here", row.cut && "out", tried && "tried"].filter(Boolean).join(" ");
    const sign = make("span", { className: "sign" }, here ? "▶" : tried ? "•" : "");
    return make(
      "tr",
      { className: classes },
      make("td", {}, count(row.rank)),
      make("th", { scope: "row" }, sign, tried ? make("button", link, name) : name),
      make("td", { className: "share" }, bar, make("span", {}, percent(row.prob))),
      make("td", {}, sampling),
    );
  }
}
