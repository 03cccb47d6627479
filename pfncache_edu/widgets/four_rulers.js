/* One byte of a guest under four names, and events that break one of the arrows between them. The translations are given; nothing is computed here
   but where to draw them. */

const hex = (n, digits = 1) => `0x${n.toString(16).padStart(digits, "0")}`;
const NONE = 3;                                         // the answer "no arrow breaks"

class Rulers {
  constructor(model, el) {
    Object.assign(this, { model, data: model.get("data"), id: `r${Math.random().toString(36).slice(2, 8)}` });
    this.guesses = recall("four-rulers.guesses", {});
    this.start = { gfn: model.get("gfn"), offset: model.get("offset"), length: 1, event: "" };
    this.state = { ...this.start, ...this.parse(shared("four-rulers")) };
    this.before = [];
    this.build();
    el.append(this.root);
    this.follow = () => { const wanted = this.parse(shared("four-rulers")); if (wanted) this.go(wanted); };
    addEventListener("hashchange", this.follow);
    this.draw("");
  }

  close() {
    removeEventListener("hashchange", this.follow);
    this.root.remove();
  }

  /* "2.010.1.migrate" as a state; null if it is none. An event that is shared is not done before the reader has predicted. */
  parse(text) {
    const found = /^(\d)\.([0-9a-f]{3})\.(\d+)(?:\.(\w+))?$/.exec(text ?? "");
    const state = found && { gfn: +found[1], offset: parseInt(found[2], 16), length: +found[3], event: found[4] ?? "" };
    const known = state && this.data.offsets.includes(state.offset) && this.data.lengths.includes(state.length) &&
      (!state.event || this.data.events.some(({ key }) => key === state.event));
    if (!known) return null;
    if (state.event && this.guesses[state.event] === undefined) state.event = "";
    return state;
  }

  get event() { return this.data.events.find(({ key }) => key === this.state.event); }
  get rowNow() { return this.event?.after[this.state.gfn] ?? this.data.rows[this.state.gfn]; }

  build() {
    const choice = (label, values, show, key) => {
      const select = h("select", { id: `${this.id}-${key}`, onchange: () => this.go({ [key]: +select.value, event: "" }) }, values.map((value) => h("option", { value: String(value) }, show(value))));
      this[key] = select;
      return h("label", { for: select.id }, label, select);
    };
    this.slider = h("input", { type: "range", min: "0", max: String(this.data.rows.length - 1), step: "1", id: `${this.id}-gfn`, "aria-label": "Guest page number",
      oninput: () => this.go({ gfn: +this.slider.value, event: "" }) });
    this.picture = h("div", { class: "r-picture" });
    this.names = h("div", { class: "scrolls" });
    this.said = h("p", { class: "r-said", role: "status" });
    this.what = h("select", { id: `${this.id}-event`, onchange: () => this.ask() },
      h("option", { value: "" }, "choose an event"), this.data.events.map(({ key, title }) => h("option", { value: key }, title)));
    this.question = h("div", { class: "r-question" });
    this.table = h("div", {});
    this.undo = h("button", { type: "button", onclick: () => { const last = this.before.pop(); if (last) { this.state = last; this.draw("Taken back."); } } }, "Undo");
    this.link = h("a", { href: "#" }, "Link to this byte");
    this.root = h("section", { class: "pfn-play pfn-rulers", "aria-label": "Four rulers", "data-lm-suppress-shortcuts": "true" },
      h("label", { for: this.slider.id, class: "r-slide" }, "Guest page"), this.slider,
      h("div", { class: "r-tools" }, choice("byte in the page", this.data.offsets, (n) => hex(n, 3), "offset"), choice("bytes", this.data.lengths, String, "length")),
      this.picture, this.names,
      h("div", { class: "r-tools" }, h("label", { for: this.what.id }, "Then", this.what)), this.question, this.said,
      h("div", { class: "r-tools" }, this.undo, h("button", { type: "button", onclick: () => this.go({ ...this.start }) }, "Start again"), this.link), this.table);
  }

  go(change) {
    this.before.push(this.state);
    this.state = { ...this.state, ...change };
    this.draw();
  }

  /* The question comes before the event happens. */
  ask() {
    const key = this.what.value;
    if (!key) return this.go({ event: "" });
    if (this.data.rows[this.state.gfn].hva === null) {
      this.what.value = "";
      return this.tell("This guest page is in no memory slot, so there is no arrow to break. Choose another page first.");
    }
    if (this.state.event) this.state = { ...this.state, event: "" };
    this.draw("Which arrow will break? Say it first.");
    this.what.value = key;
    const buttons = [...this.data.arrows, "none of them"].map((arrow, n) => h("button", { type: "button", onclick: () => {
      this.guesses[key] ??= n;
      remember("four-rulers.guesses", this.guesses);
      this.question.replaceChildren();
      this.go({ event: key });
      this.what.focus();
    } }, arrow));
    this.question.replaceChildren(h("fieldset", {}, h("legend", {}, "Which arrow breaks?"), h("div", { class: "r-tools" }, buttons)));
  }

  tell(text) { this.said.textContent = text; }

  draw(text) {
    const { gfn, offset, length, event } = this.state, row = this.data.rows[gfn], now = this.rowNow, broken = this.event ? now.breaks : null;
    this.slider.value = String(gfn);
    this.slider.setAttribute("aria-valuetext", `guest page ${hex(gfn)}${row.hva === null ? ", in no memory slot" : `, in slot ${row.slot}`}`);
    this.offset.value = String(offset);
    this.length.value = String(length);
    this.what.value = event;
    if (!text?.startsWith("Which")) this.question.replaceChildren();
    const crosses = offset + length > this.data.page ? gfn + 1 : null;
    this.picture.replaceChildren(this.drawn(row, now, broken, crosses));
    this.names.replaceChildren(this.written(row, now, broken));
    const arrow = (n) => n === null || n === NONE ? "none of them" : this.data.arrows[n];
    this.tell(text ?? (this.event
      ? `After this, ${broken === null ? "no arrow is broken" : `the arrow through ${arrow(broken)} is broken`}. You said: ${arrow(this.guesses[event])}. ${this.event.tells}`
      : row.hva === null ? `Guest page ${hex(gfn)} is in no memory slot: it has no user address, no frame and no kernel address. A cache of it cannot be activated.`
        : crosses === null ? `Guest page ${hex(gfn)} is frame ${hex(row.pfn)}.` : this.crossing(row, crosses)));
    this.undo.setAttribute("aria-disabled", String(!this.before.length));
    this.link.href = linkTo("four-rulers", `${gfn}.${offset.toString(16).padStart(3, "0")}.${length}${event ? `.${event}` : ""}`);
    this.drawTable(arrow);
  }

  crossing(row, next) {
    const other = this.data.rows[next];
    if (!other || other.hva === null) return "These bytes end in a guest page that no memory slot has: half of them have no place at all.";
    return `These bytes are in two guest pages, one after the other. Their frames are ${hex(row.pfn)} and ${hex(other.pfn)}: not one after the other. One kernel address cannot name both, so a cache never goes over the end of a page.`;
  }

  /* The four names in full: the same as the picture says, in numbers. */
  written(row, now, broken) {
    const { gfn, offset } = this.state, page = this.data.page, slot = this.data.slots.find(({ id }) => id === row.slot);
    const sum = (value, plus) => hex(BigInt(value) + BigInt(plus));          // kernel addresses are more than a Number can hold
    const value = (name, plus) => row[name] === null ? "–" : [sum(row[name], plus),
      this.event && now[name] !== row[name] ? h("span", { class: "bad" }, ` ✗ now ${now[name] === null ? "nothing" : sum(now[name], plus)}`) : ""];
    const rows = [["GPA", hex(gfn * page + offset), `guest page ${hex(gfn)}, byte ${hex(offset, 3)}`],
      ["HVA", value("hva", offset), slot ? `slot ${slot.id}: ${hex(slot.hva)} + (${hex(gfn)} − ${hex(slot.base)}) × ${hex(page)} + ${hex(offset, 3)}` : "no memory slot"],
      ["PFN", value("pfn", 0), row.pfn === null ? "–" : "the entry of the host's page table"],
      ["khva", value("khva", offset), row.khva === null ? "–" : `where the kernel maps all memory, + ${hex(row.pfn)} × ${hex(page)} + ${hex(offset, 3)}`]];
    return h("table", {}, h("thead", {}, h("tr", {}, ["name", "value", "how"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, rows.map(([name, shown, how], n) => h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "r-number" }, shown), h("td", {}, n && broken === n - 1 ? "✗ broken: " : "", how)))));
  }

  drawTable(arrow) {
    const tried = this.data.events.filter(({ key }) => this.guesses[key] !== undefined && this.seen(key));
    const outcome = ({ after }) => Object.values(after)[0].breaks;
    this.table.replaceChildren(...(tried.length ? [h("table", {}, h("caption", {}, `${tried.length} of ${this.data.events.length} events tried`),
      h("thead", {}, h("tr", {}, ["event", "you said", "broken"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, tried.map((event) => h("tr", {}, h("td", {}, event.title), h("td", {}, arrow(this.guesses[event.key])),
        h("td", { class: (outcome(event) ?? NONE) === this.guesses[event.key] ? "good" : "bad" }, `${(outcome(event) ?? NONE) === this.guesses[event.key] ? "✓" : "✗"} ${arrow(outcome(event))}`)))))] : []));
  }

  seen(key) { return this.guesses[key] !== undefined; }

  /* Four strips of pages, a marker on each, arrows between them. */
  drawn(row, now, broken, crosses) {
    const { gfn } = this.state, { rows, hvas, frames, arrows } = this.data, next = crosses !== null ? rows[crosses] : null;
    const names = ["GPA: what the guest calls it", "HVA: what the VMM calls it", "PFN: where it is", "khva: what KVM calls it"];
    const cells = [rows.map((_, n) => n), hvas, frames, frames];
    const used = [rows.flatMap(({ hva }, n) => hva === null ? [] : [n]), hvas, rows.map(({ pfn }) => pfn), rows.map(({ pfn }) => pfn)];
    const at = (one, page) => [page, one?.hva ?? null, one?.pfn ?? null, one?.pfn ?? null];
    const marks = at(row, gfn), then = this.event ? at(now, gfn) : null, second = next ? at(next, crosses) : null;
    const width = 336, top = (n) => 20 + 74 * n, middle = (n, cell) => 2 + (cells[n].indexOf(cell) + 0.5) * (width / cells[n].length);
    const label = (n, cell) => n === 1 ? (cell / this.data.page).toString(16) : cell.toString(16);
    const told = ["GPA page ", "HVA page ", "frame ", "kernel page of frame "].map((name, n) => marks[n] === null ? `${name}none` : name + label(n, marks[n])).join(", then ") +
      (broken === null ? "." : `. The arrow through ${arrows[broken]} is broken.`) + (second && next.pfn !== null ? ` The last byte is in frame ${label(2, next.pfn)}.` : "");
    const strip = (n) => cells[n].flatMap((cell, i) => {
      const w = width / cells[n].length, kind = cell === marks[n] ? "r-here" : second && cell === second[n] ? "r-second" : then && then[n] === cell ? "r-now" : used[n].includes(cell) ? "r-used" : "r-free";
      return [s("rect", { x: 2 + i * w, y: top(n), width: w - 1.5, height: 26, class: kind }), s("text", { x: 2 + (i + 0.5) * w, y: top(n) + 18, "text-anchor": "middle", class: "r-cell" }, label(n, cell))];
    });
    const arrow = (n, from, to, kind) => from === null || to === null ? [] : [s("path", { class: `r-arrow ${kind}`, d: `M${middle(n, from)} ${top(n) + 26} L${middle(n + 1, to)} ${top(n + 1) - 1}` })];
    const cross = (n) => { const x = (middle(n, marks[n]) + middle(n + 1, marks[n + 1])) / 2, y = top(n) + 50; return [s("text", { x, y, "text-anchor": "middle", class: "r-cross" }, "✗")]; };
    return s("svg", { viewBox: "0 0 340 274", width: 560, height: 451, role: "img", "aria-labelledby": `${this.id}-t ${this.id}-d` },
      s("title", { id: `${this.id}-t` }, "Four names of one byte"), s("desc", { id: `${this.id}-d` }, told),
      [0, 1, 2, 3].flatMap(strip), [0, 1, 2].flatMap((n) => [
        ...arrow(n, marks[n], marks[n + 1], broken === n ? "r-old" : ""), ...(second ? arrow(n, second[n], second[n + 1], "r-thin") : []),
        ...(then && broken !== null && n >= broken ? arrow(n, then[n], then[n + 1], "r-new") : []), ...(broken === n ? cross(n) : [])]),
      names.map((name, n) => s("text", { x: 2, y: top(n) - 6, class: "r-name" }, name)));
  }
}

export default host(Rulers);
