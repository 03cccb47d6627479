/* Three steps of two CPUs, in the order of the reader's choice. The data has the picture after every order; nothing is computed here. */

const PLURAL = ["none of them", "one", "two", "all three"];
const END = { good: "The write is in the guest's page.", bad: "The guest's write is lost." };

class Clicks {
  constructor(model, el) {
    Object.assign(this, { model, data: model.get("data"), id: `t${Math.random().toString(36).slice(2, 8)}` });
    this.found = new Set(recall("three-clicks.found", []).filter((end) => this.data.ends.includes(end)));
    this.guess = model.get("predict") ? recall("three-clicks.guess") : null;
    this.build();
    el.append(this.root);
    this.follow = () => { const wanted = shared("three-clicks"); if (wanted && wanted !== this.at && this.data.states[wanted]) this.go(wanted); };
    addEventListener("hashchange", this.follow);
    this.changed = () => { if (model.get("schedule") !== this.at) this.go(model.get("schedule")); };
    model.on("change:schedule", this.changed);
    this.at = "";
    this.go(this.data.states[shared("three-clicks")] ? shared("three-clicks") : model.get("schedule"), false);
  }

  close() {
    removeEventListener("hashchange", this.follow);
    this.model.off("change:schedule", this.changed);
    this.root.remove();
  }

  get open() { return !this.model.get("predict") || this.guess !== null; }

  build() {
    this.lanes = this.data.lanes.map((lane) => ({ ...lane, buttons: lane.steps.map((text, i) => {
      const button = h("button", { type: "button", class: "t-step", onclick: () => this.take(lane.letter, i) });
      return { text, button };
    }) }));
    this.said = h("p", { class: "t-said", role: "status" });
    this.back = h("button", { type: "button", onclick: () => this.go(this.at.slice(0, -1)) }, "Take one step back");
    this.again = h("button", { type: "button", onclick: () => this.go("") }, "Start again");
    this.link = h("a", { href: "#" }, "Link to this order");
    this.asked = h("div", { class: "t-asked" });
    this.memory = h("div", { class: "t-memory" });
    this.orders = h("div", { class: "t-orders" });
    this.root = h("section", { class: "pfn-play pfn-three", "aria-label": "Three clicks to a lost write", "data-lm-suppress-shortcuts": "true" },
      h("p", { class: "t-goal" }, h("b", {}, "Your goal: "), "make the guest's write land in a page that is no longer the guest's."),
      this.asked,
      h("div", { class: "t-lanes" }, this.lanes.map((lane) => h("div", { class: `t-lane t-${lane.letter}`, role: "group", "aria-label": lane.title },
        h("h3", {}, lane.title), lane.buttons.map(({ button }) => button)))),
      this.said, this.memory, h("div", { class: "t-tools" }, this.back, this.again, this.link), this.orders);
  }

  take(letter, i) {
    if (!this.open) return this.tell("First say how many of the orders lose the write: the question is above.");
    const done = [...this.at].filter((one) => one === letter).length;
    if (i < done) return this.tell("This step is taken already. Take a step back, or start again.");
    if (i > done) return this.tell("vcpu0 looks the page up before it writes. Take that step first.");
    this.go(this.at + letter);
  }

  tell(text) { this.said.className = "t-said"; this.said.textContent = text; }

  go(at, aloud = true) {
    this.at = at;
    if (this.data.ends.includes(at)) {
      this.found.add(at);
      remember("three-clicks.found", [...this.found]);
    }
    if (this.model.get("schedule") !== at) { this.model.set("schedule", at); this.model.save_changes(); }
    this.draw(aloud);
  }

  draw(aloud) {
    const state = this.data.states[this.at], ended = !state.can.length;
    for (const lane of this.lanes) lane.buttons.forEach(({ text, button }, i) => {
      const places = [...this.at].flatMap((letter, n) => letter === lane.letter ? [n + 1] : []);
      const next = this.open && state.can.includes(lane.letter) && i === places.length;
      button.setAttribute("aria-disabled", String(!next));
      button.classList.toggle("t-done", i < places.length);
      button.replaceChildren(h("span", { class: "t-number" }, places[i] ?? "·"), h("span", {}, text,
        i < places.length ? h("span", { class: "t-unseen" }, ", done") : next ? "" : h("span", { class: "t-state" }, " (not yet)")));
    });
    if (aloud || this.at) {
      this.said.className = `t-said ${ended ? (state.wrong ? "bad" : "good") : ""}`;
      this.said.textContent = !this.at ? "Nothing has happened yet." : `Step ${this.at.length}. ${state.said}` + (!ended ? "" : state.wrong
        ? ` ✗ ${END.bad} In the words of the checker: ${state.wrong}.` : ` ✓ ${END.good}${this.found.size < this.data.ends.length ? " Try another order." : ""}`);
    } else this.said.textContent = this.open ? "Nothing has happened yet. Choose a step." : "";
    this.back.setAttribute("aria-disabled", String(!this.at));
    this.link.href = linkTo("three-clicks", this.at);
    this.memory.replaceChildren(this.drawn(state));
    this.drawAsked();
    this.drawOrders();
  }

  /* The question, until it is answered; then the answer, until all orders were seen; then both. */
  drawAsked() {
    const all = this.found.size === this.data.ends.length;
    if (!this.model.get("predict")) return;
    if (this.guess === null) {
      if (this.asked.firstChild) return;
      const radios = PLURAL.map((text, i) => [h("input", { type: "radio", name: this.id, value: String(i), id: `${this.id}-${i}` }), text]);
      const missing = h("span", { role: "alert" });
      this.asked.append(h("form", { onsubmit: (event) => {
        event.preventDefault();
        const picked = radios.findIndex(([input]) => input.checked);
        if (picked < 0) return void (missing.textContent = "Choose one first: a wrong guess teaches more than none.");
        remember("three-clicks.guess", this.guess = picked);
        this.draw(true);
        this.lanes[0].buttons[0].button.focus();
      } }, h("fieldset", {}, h("legend", {}, "vcpu0 has two steps, the host has one. They can be taken in three orders. How many of the orders lose the write?"),
        radios.map(([input, text]) => h("label", { for: input.id }, input, text))), h("button", { type: "submit" }, "Record my prediction"), missing));
      return;
    }
    const lost = this.data.ends.filter((end) => this.data.states[end].wrong).length;
    this.asked.replaceChildren(h("p", {}, "You predicted: ", h("b", {}, PLURAL[this.guess]), all
      ? `. The three orders that you have tried say: ${PLURAL[lost]}${this.guess === lost ? ", as you predicted." : ". It is not what you expected."}`
      : ". Now find out. The table below keeps what you have tried."));
  }

  drawOrders() {
    const names = Object.fromEntries(this.data.lanes.map((lane) => [lane.letter, lane]));
    const words = (order) => [...order].map((letter, n) =>
      names[letter].steps[[...order.slice(0, n)].filter((one) => one === letter).length]).join(", ");
    const rows = this.data.ends.filter((end) => this.found.has(end)).map((end) => h("tr", {}, h("td", {}, words(end)),
      h("td", { class: this.data.states[end].wrong ? "bad" : "good" }, this.data.states[end].wrong ? "✗ lost" : "✓ kept")));
    this.orders.replaceChildren(...(rows.length ? [h("table", {}, h("caption", {}, `${rows.length} of ${this.data.ends.length} orders tried`),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "order"), h("th", { scope: "col" }, "the write"))), h("tbody", {}, rows))] : []));
  }

  /* The memory: what the address means, what the note says, two pages and what is in them. */
  drawn({ table, note, written, wrong }) {
    const moved = table === "B", lost = wrong ? "A" : "";
    const holds = (page) => [
      page === table ? "the guest's page" : page === "A" ? "somebody else's page" : "free",
      written === page || lost === page ? (lost === page ? "✗ the guest's write" : "✓ the guest's write") : ""];
    const told = `The address ${this.data.uhva} means page ${table}. ` + (note ? `The note says page ${note}. ` : "There is no note yet. ") +
      ["A", "B"].map((page) => `Page ${page}: ${holds(page).filter(Boolean).join(", ")}.`).join(" ");
    const y = { A: 46, B: 126 };
    const frame = (page) => s("g", {}, s("rect", { x: 176, y: y[page] - 30, width: 164, height: 62, rx: 5, class: page === table ? "t-guest" : "t-other" }),
      s("text", { x: 186, y: y[page] - 10, class: "t-name" }, `page ${page}`), s("text", { x: 186, y: y[page] + 8 }, holds(page)[0]),
      s("text", { x: 186, y: y[page] + 25, class: lost === page ? "t-lost" : "t-kept" }, holds(page)[1]));
    const from = (label, value, top, page, kind) => s("g", {}, s("rect", { x: 6, y: top - 22, width: 116, height: 46, rx: 5, class: `t-box t-${kind}` }),
      s("text", { x: 14, y: top - 4, class: "t-name" }, label), s("text", { x: 14, y: top + 14 }, value),
      page ? s("path", { d: `M122 ${top} L172 ${y[page] + (kind === "note" ? 12 : -12)}`, class: `t-arrow t-${kind}`, "marker-end": `url(#${this.id}-tip)` }) : "");
    return s("svg", { viewBox: "0 0 346 168", width: 500, height: 243, role: "img", "aria-labelledby": `${this.id}-title ${this.id}-desc` },
      s("title", { id: `${this.id}-title` }, "The memory now"), s("desc", { id: `${this.id}-desc` }, told),
      s("defs", {}, s("marker", { id: `${this.id}-tip`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
        s("path", { d: "M0 0 L8 4 L0 8 z", class: "t-tip" }))),
      from("the address", this.data.uhva, 46, table, "table"), from("vcpu0's note", note ? `page ${note}` : "(empty)", 126, note, "note"),
      frame("A"), frame("B"));
  }
}

export default host(Clicks);
