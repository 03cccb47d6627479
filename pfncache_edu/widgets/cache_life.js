/* Life of one cache. Every state and what each call does in it was computed by pfncache_edu/widgets/cache_life.py with the
   tested functions; this module looks it up, and remembers what the reader expected of kvm_gpc_check(). */

/** The states that a history goes through: one after each letter, with the move that led there. Stops where it cannot go on. */
export function lived(data, history) {
  const states = [{ node: data.nodes[0], move: null }];
  for (const letter of history) {
    const move = states.at(-1).node.moves[letter];
    if (!move) break;
    states.push({ node: data.nodes[move.to], move, letter });
  }
  return states;
}

const KEY = "cache-life";

class Life {
  constructor(model, el) {
    Object.assign(this, { model, data: unshare(model.get("data")), said: "", expected: null });
    this.labels = Object.fromEntries(this.data.calls.map(([letter, , label]) => [letter, label]));
    this.found = new Set(recall(`${KEY}.goals`, []));
    this.score = recall(`${KEY}.checks`, { right: 0, all: 0 });
    this.root = h("section", { class: "pfn-play pfn-life", "aria-label": "Life of one cache", "data-lm-suppress-shortcuts": "true" });
    this.build();
    this.unhear = hear(model, ["history"], () => { if (model.get("history") !== this.history) this.show(model.get("history")); },
      () => { const told = shared(KEY); if (told) this.show(told); });
    el.append(this.root);
    this.show(shared(KEY) || model.get("history"));
  }

  close() {
    this.unhear();
    this.root.remove();
  }

  build() {
    const { data } = this;
    this.buttons = [];
    const button = (letter, label, act) => {
      const made = h("button", { type: "button", "data-call": letter, onclick: act }, label);
      this.buttons.push(made);
      return made;
    };
    const groups = data.who.map(([who, title]) => h("fieldset", { class: "l-who" }, h("legend", {}, title),
      h("div", { class: "row" }, data.calls.filter(([, whose]) => whose === who).flatMap(([letter, , label]) => letter === "c"
        ? [button("c", "check: I expect True", () => this.call("c", true)), button("c", "check: I expect False", () => this.call("c", false))]
        : [button(letter, label, () => this.call(letter))]))));
    this.live = h("p", { class: "l-live", role: "status" });
    // A short cut for those with a pointer: an arrow is the call that is written beside it. The buttons can do the same.
    this.picture = h("div", { class: "l-picture", onclick: ({ target }) => { const arrow = target.closest("[data-arrow]"); if (arrow) this.call(arrow.dataset.arrow); } });
    this.picture.innerHTML = data.picture;
    this.table = h("tbody");
    this.code = h("div", { class: "l-code scrolls", tabindex: "0", role: "region", "aria-label": "The user's code" });
    this.goals = h("ul", { class: "l-goals" });
    this.done = h("p", { class: "l-done" });
    this.steps = h("ol", { class: "l-steps" });
    this.back = h("button", { type: "button", onclick: () => this.undo() }, "Undo");
    this.link = h("a", { href: "#" }, "Link to this life");
    this.root.append(
      h("div", { class: "l-groups" }, groups), this.live,
      h("div", { class: "l-views" }, this.picture,
        h("div", { class: "l-fields" }, h("h3", {}, "The fields"), h("table", {}, h("thead", {}, h("tr", {},
          ["field", "value", "the last check asked"].map((text) => h("th", { scope: "col" }, text)))), this.table))),
      h("h3", {}, "Where the user's code stands"), this.code,
      h("h3", {}, "Can you do all of these?"), this.goals,
      this.done, h("div", { class: "row" }, this.back,
        h("button", { type: "button", onclick: () => this.restart() }, "Start again"), this.link),
      h("details", {}, h("summary", {}, "The steps of the last call"), this.steps));
  }

  able(button, can) { button.setAttribute("aria-disabled", String(!can)); }

  call(letter, expected = null) {
    const move = this.states.at(-1).node.moves[letter];
    if (!move) return this.say(this.history ? "Not here: the memslots have changed often enough. Start again to change more."
      : "Nothing works before init has set the fields.");
    if (expected !== null) {
      this.score = { right: this.score.right + (move.says === expected), all: this.score.all + 1 };
      remember(`${KEY}.checks`, this.score);
    }
    if (move.goal && !this.found.has(move.goal)) {
      this.found.add(move.goal);
      remember(`${KEY}.goals`, [...this.found]);
    }
    this.expected = expected;
    this.show(this.history + letter);
  }

  undo() { this.expected = null; this.show(this.history.slice(0, -1)); }
  restart() { this.expected = null; this.show(""); }

  say(text) { this.live.textContent = text; }

  show(history) {
    const { data } = this;
    this.states = lived(data, history);
    this.history = history.slice(0, this.states.length - 1);
    if (this.model.get("history") !== this.history) { this.model.set("history", this.history); this.model.save_changes(); }
    const { node, move, letter } = this.states.at(-1), before = this.states.at(-2)?.node ?? node;
    const [box] = data.boxes[node.box];
    const bet = this.expected === null || !move ? "" : `You expected ${this.expected ? "True" : "False"}${move.says === this.expected ? ", and so it is" : ""}. `;
    const tally = this.expected === null || !move ? "" : ` You were right in ${this.score.right} of ${this.score.all} checks.`;
    const goal = move?.goal ? ` Goal reached: ${Object.fromEntries(data.goals)[move.goal]}.` : "";
    this.say(move ? `${this.labels[letter]}: ${bet}${move.told}. The cache is ${box}.${tally}${goal}`.replaceAll("`", "") : "The cache's memory has been cleared, and nothing else. What must come first?");
    for (const button of this.buttons) this.able(button, button.dataset.call in node.moves);
    this.able(this.back, this.history !== "");
    for (const group of this.picture.querySelectorAll("[data-box]")) {
      group.classList.toggle("l-now", group.dataset.box === node.box);
      group.querySelector("rect").setAttribute("stroke-width", group.dataset.box === node.box ? "3.5" : "1.2");
    }
    this.picture.querySelector("desc").textContent = `${this.toldPicture ??= this.picture.querySelector("desc").textContent} Now it is ${box}.`;
    const asked = Object.fromEntries(move?.asked ?? []);
    this.table.replaceChildren(...data.fields.map((name, i) => h("tr", node.fields[i] !== before.fields[i] ? { class: "l-changed" } : {},
      h("th", { scope: "row" }, h("code", {}, soft(name))), h("td", {}, soft(node.fields[i]), node.fields[i] !== before.fields[i] ? h("small", {}, ` (was ${before.fields[i]})`) : ""),
      h("td", {}, !move?.asked || !(name in data.questions) ? "" : !(name in asked) ? h("small", {}, "not asked any more")
        : `${asked[name] ? "✓" : "✗"} ${data.questions[name]} ${asked[name] ? "yes" : "no"}`))));
    this.code.replaceChildren(h("pre", {}, data.code.lines.map((text, n) => h("span", n === data.code.at[letter] ? { class: "l-line l-here", "aria-current": "true" } : { class: "l-line" }, `${n === data.code.at[letter] ? "▸" : " "} ${text}\n`))));
    this.goals.replaceChildren(...data.goals.map(([name, text]) => h("li", { class: this.found.has(name) ? "good" : "" },
      `${this.found.has(name) ? "☑ done: " : "☐ "}`, withCode(text))));
    this.done.textContent = `So far: ${[...this.history].map((one) => this.labels[one]).join(", ") || "nothing"}.`;
    this.steps.replaceChildren(...(move?.words ?? []).map((word) => h("li", {}, data.words[word])));
    this.link.href = linkTo(KEY, this.history);
  }
}

export default host(Life);
