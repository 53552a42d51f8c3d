// The text of one path, a span a token, coloured by a number of each.

class Text {
  // `select(index, pinned)` is called where a token is looked at, or chosen; the index after the last one is the end.
  constructor(box, select) {
    this.box = box;
    this.spans = [];
    const at = (event) => event.target.closest(".token")?.place;
    const on = (name, act) => box.addEventListener(name, (event) => at(event) >= 0 && act(at(event), event));
    on("pointerover", (index, event) => event.pointerType === "mouse" && select(index, false));
    on("click", (index) => select(index, true));
    box.addEventListener("pointerleave", () => select(null, false));
  }

  show(tree, line) {
    this.places = [];
    this.spans = [];
    const length = tree.length + line.length;
    for (let index = 0; index < length; index++) {
      const place = tree.place(index, line);
      this.places.push(place);
      this.spans.push(this.span(tree, place));
      if (index === tree.length - 1) this.spans.at(-1).classList.add("edge");
    }
    this.spans.push(this.end(length, tree.pending(line.at(-1) ?? 0)));
    this.box.replaceChildren(...this.spans);
    this.box.classList.toggle("hangul", /\p{Script=Hangul}/u.test(this.box.textContent));
    this.box.setAttribute("aria-label", `Text of ${many(length, "token")}. The arrow keys go from token to token.`);
  }

  // Where the next token would stand, after an unfinished character.
  end(index, pending) {
    const end = make("span", { className: "token end", id: `t${index}`, role: "option", ariaLabel: "what comes next" });
    end.append(pending || "▏");
    end.place = index;
    return end;
  }

  span(tree, place) {
    const span = make("span", { className: "token", id: `t${place.index}`, role: "option" });
    span.place = place.index;
    if (place.node === null) span.classList.add("given");
    if (place.token.special) span.classList.add("special");
    if (!place.text) {
      span.classList.add("part");
      span.ariaLabel = `a part of a character, ${place.token.label}`;
    }
    const forks = place.before !== null && tree.children[place.before].length > 1;
    if (forks) span.classList.add("fork");
    const named = place.node ?? (place.index === tree.length - 1 ? 0 : null);
    const name = named === null ? undefined : tree.name(named);
    span.append(...this.lines(place.text || "·"));
    if (name !== undefined) span.append(make("span", { className: "flag", title: name, ariaLabel: `bookmark ${name}` }, "⚑"));
    return span;
  }

  // A line break is drawn, and then made.
  *lines(text) {
    const parts = text.split("\n");
    for (const [number, part] of parts.entries()) {
      if (number) yield make("span", { className: "break", ariaHidden: "true" }, "↵");
      if (number) yield "\n";
      if (part) yield part;
    }
  }

  colour(metric) {
    for (const place of this.places) {
      const step = place.heat(metric);
      if (step === null) delete this.spans[place.index].dataset.heat;
      else this.spans[place.index].dataset.heat = step;
    }
  }

  mark(index, scroll) {
    this.box.querySelector(".chosen")?.classList.remove("chosen");
    this.box.querySelector("[aria-selected]")?.removeAttribute("aria-selected");
    const span = this.spans[index];
    if (!span) return this.box.removeAttribute("aria-activedescendant");
    span.classList.add("chosen");
    span.setAttribute("aria-selected", "true");
    this.box.setAttribute("aria-activedescendant", span.id);
    if (scroll) span.scrollIntoView({ block: "nearest" });
  }

  // The token above or below another one: the nearest of the next line.
  beside(index, direction) {
    const from = this.spans[index].getClientRects()[0];
    let best = index, nearest = Infinity, line = null;
    for (let at = index + direction; at >= 0 && at < this.spans.length; at += direction) {
      const box = this.spans[at].getClientRects()[0];
      if (!box || (box.top - from.top) * direction < from.height / 2) continue;
      line ??= box.top;
      if (Math.abs(box.top - line) > from.height / 2) break;
      const distance = Math.abs(box.left + box.width / 2 - from.left - from.width / 2);
      if (distance < nearest) [best, nearest] = [at, distance];
    }
    return best;
  }
}
