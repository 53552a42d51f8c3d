// What is known of one token: its numbers, and the table that it was chosen from.

class Detail {
  // `follow(node)` is called where the person picks a token that was tried.
  constructor(box, follow) {
    this.box = box;
    this.follow = follow;
  }

  hint() {
    this.box.replaceChildren(make("p", { className: "hint" }, "Point at a token, or go through the text with the arrow keys, to see what else could have stood there."));
  }

  show(tree, place) {
    const bits = surprisal(place.prob);
    const numbers = [
      ["probability", percent(place.prob)],
      ["surprisal", decimal(bits, " bits")],
      ["rank", count(place.rank)],
      ["entropy", decimal(place.entropy, " bits")],
    ];
    if (place.sampling !== null) numbers.splice(1, 0, ["sampling prob", percent(place.sampling)]);
    this.box.replaceChildren(
      make("h2", {}, make("bdi", { className: "name" }, place.token.label)),
      make("p", { className: "facts" }, `token ${place.index} · id ${place.token.id} · bytes ${place.token.bytes || UNKNOWN} · ${place.source}`),
      make("dl", {}, ...numbers.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))),
      place.table ? this.table(tree, place.table, place.before, place) : make("p", { className: "hint" }, "The record has no table of this place."),
    );
  }

  // What could come after the last token of the path.
  ahead(tree, node) {
    const table = tree.table(node);
    this.box.replaceChildren(
      make("h2", {}, "What comes next"),
      make("p", { className: "facts" }, table ? `entropy ${decimal(table.entropy, " bits")}` : "The record has no table of this place."),
      ...(table ? [this.table(tree, table, node, null)] : []),
    );
  }

  table(tree, table, before, place) {
    const rows = table.rows.map((row) => this.row(tree, row, before, place?.token.id));
    if (place && !table.rows.some((row) => row.token.id === place.token.id)) {
      rows.push(this.row(tree, { ...place, cut: null }, before, place.token.id));
    }
    const columns = ["rank", "token", "model", "sampling"];
    const kept = table.kept < table.vocabulary ? `The samplers keep ${count(table.kept)} of ${many(table.vocabulary, "token")}: ${table.settings}.` : `The samplers keep all ${many(table.vocabulary, "token")}: ${table.settings}.`;
    return make("div", { className: "scroll" },
      make("table", {},
        make("caption", {}, place ? "What could have stood here" : "What could stand here"),
        make("thead", {}, make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, name)))),
        make("tbody", {}, ...rows),
        make("tfoot", {}, make("tr", {}, make("td", {}), make("td", {}, "all others"), make("td", {}, percent(table.other)), make("td", {}))),
      ),
      make("p", { className: "hint" }, kept),
    );
  }

  row(tree, row, before, chosen) {
    const child = before === null ? undefined : tree.child(before, row.token.id);
    const here = row.token.id === chosen;
    const name = make("bdi", {}, row.token.label);
    const tried = child !== undefined && !here;
    const cell = tried ? make("button", { type: "button", title: "Show the branch that goes on here", on: { click: () => this.follow(child) } }, name) : name;
    const bar = make("span", { className: "bar", ariaHidden: "true" });
    bar.style.inlineSize = `${Math.min(100, (row.prob ?? 0) * 100)}%`;
    const sampling = row.cut ? make("span", { className: "cut" }, row.cut) : percent(row.sampling);
    return make("tr", { className: [here ? "here" : "", row.cut ? "out" : "", tried ? "tried" : ""].join(" ") },
      make("td", {}, count(row.rank)),
      make("th", { scope: "row" }, make("span", { className: "sign" }, here ? "▶" : tried ? "•" : ""), cell),
      make("td", { className: "share" }, bar, make("span", {}, percent(row.prob))),
      make("td", {}, sampling),
    );
  }
}
