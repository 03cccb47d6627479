/* The patch with a switch for each of its ideas. What becomes of every choice was searched when the widget was made: here it is
   looked up and drawn, after the reader has said what to expect. */

const MARKS = { holds: "✓", wasteful: "≈", violated: "✗", deadlock: "∞" }, MOST = 2;

/** The lines of the listing with some switches off: [[text, "same" | "gone" | "new"], …]. */
export function shownLines(lines, switches, off) {
  const moot = new Set(switches.filter(({ needs }) => needs.some((name) => off.includes(name))).map(({ name }) => name));
  return lines.flatMap(([text, edits]) => {
    const now = edits.filter(([name]) => off.includes(name) && !moot.has(name));
    if (!now.length) return [[text, "same"]];
    if (now.some(([, old]) => old === "")) return [[text, "gone"]];
    const changed = now.reduce((line, [, old, fresh]) => line.replace(old, fresh), text).split("\n");
    const kept = changed[0] === text;
    return [[text, kept ? "same" : "gone"], ...changed.slice(kept ? 1 : 0).map((line) => [line, "new"])];
  });
}

/** The key of a choice: the names that are off, in the order of the switches. */
export function keyOf(switches, off) {
  return switches.map(({ name }) => name).filter((name) => off.includes(name)).join(" ");
}

class Switches {
  constructor(model, el) {
    Object.assign(this, { model, undone: [], id: `pfn${Math.random().toString(36).slice(2, 8)}` });
    for (const name of ["switches", "lines", "outcomes", "diagrams", "situations"]) this[name] = model.get(name);
    this.kinds = Object.fromEntries(model.get("kinds"));
    this.predictions = { ...recall("line-switches.predictions", {}), ...model.get("predictions") };
    this.root = h("section", { class: "pfn-play pfn-line-switches", "aria-label": "Line switches", "data-lm-suppress-shortcuts": "true" });
    this.boxes = this.switches.map((one) => h("input", { type: "checkbox", id: `${this.id}-${one.name}`, onchange: ({ target }) => this.flip(one.name, target) }));
    this.notes = this.switches.map(() => h("small", {}));
    this.code = h("pre", { class: "l-code", tabindex: "0", "aria-label": "The functions, as they are switched" });
    this.said = h("p", { class: "l-said", role: "status" });
    this.answer = h("div", { class: "l-answer" });
    this.tried = h("div", { class: "l-tried" });
    this.back = this.button("Undo", () => this.undo());
    this.link = h("a", { href: "#" }, "Link to this choice");
    this.root.append(
      h("div", { class: "l-top" },
        h("fieldset", {}, h("legend", {}, "Ideas, all on as in Linux 6.12"), this.switches.map((one, n) =>
          h("label", { for: `${this.id}-${one.name}` }, this.boxes[n], h("span", {}, withCode(one.idea), this.notes[n])))),
        this.code),
      h("div", { class: "row" }, this.back, this.button("All on", () => this.set([])), this.link),
      this.said, this.answer, this.tried);
    el.append(this.root);
    this.unhear = hear(model, ["off"], () => { if (keyOf(this.switches, model.get("off")) !== this.key) this.show(model.get("off")); },
      () => { const off = this.fromLink(); if (off) this.show(off); });
    this.show(this.fromLink() ?? model.get("off"));
    this.say("");
  }

  close() {
    this.unhear();
    this.root.remove();
  }

  fromLink() {
    const names = shared("line-switches").split(".").filter((name) => this.switches.some((one) => one.name === name));
    return shared("line-switches") && names.length <= MOST ? names : null;
  }

  get key() { return keyOf(this.switches, this.off ?? []); }

  // --- switching ---------------------------------------------------------------------------------------------------

  flip(name, box) {
    const off = box.checked ? this.off.filter((one) => one !== name) : [...this.off, name];
    if (off.length > MOST) {
      box.checked = true;
      return this.say(`At most ${MOST} ideas can be off at a time: switch one on again first.`);
    }
    this.set(off);
  }

  set(off) {
    if (off.join() === this.off.join()) return;
    this.undone.push(this.off);
    this.show(off);
  }

  undo() {
    if (this.undone.length) return this.show(this.undone.pop());
    this.say("There is nothing to undo.");
  }

  show(off) {
    this.off = [...off];
    const { key } = this;
    if (keyOf(this.switches, this.model.get("off")) !== key) { this.model.set("off", this.off); this.model.save_changes(); }
    this.boxes.forEach((box, n) => {
      const { name, instead, needs } = this.switches[n], isOff = off.includes(name);
      box.checked = !isOff;
      const moot = needs.some((other) => off.includes(other));
      this.notes[n].textContent = isOff ? ` off: ${moot ? "makes no difference now" : instead}` : moot ? " makes no difference now" : "";
    });
    this.code.replaceChildren(...shownLines(this.lines, this.switches, off).map(([text, state]) =>
      h(state === "gone" ? "del" : state === "new" ? "ins" : "span", { class: "l-line" },
        h("span", { class: "l-sign" }, `${state === "gone" ? "−" : state === "new" ? "+" : " "} ${/^ */.exec(text)[0]}`), `${text.trimStart()}\n`)));
    const first = this.code.querySelector("del, ins");
    if (first) this.code.scrollTop = Math.max(0, first.offsetTop - this.code.offsetTop - 60);
    this.back.setAttribute("aria-disabled", this.undone.length ? "false" : "true");
    this.link.href = linkTo("line-switches", off.length ? off.join(".") : "all-on");
    if (!key || this.predictions[key]) return this.reveal();
    this.ask();
  }

  // --- prediction, then outcome ------------------------------------------------------------------------------------

  ask() {
    const choices = Object.entries(this.kinds).map(([kind, text]) => this.button(text, () => this.predict(kind)));
    this.answer.replaceChildren(h("fieldset", { class: "l-ask" }, h("legend", {}, "What do you expect now?"), h("div", { class: "l-choices" }, choices)));
    this.log();
    this.say(`${this.described()}. Say what you expect; then the outcome is shown.`);
  }

  predict(kind) {
    this.predictions = { ...this.predictions, [this.key]: kind };
    remember("line-switches.predictions", this.predictions);
    this.model.set("predictions", this.predictions);
    this.model.save_changes();
    this.reveal();
    this.heading.focus();
  }

  described() {
    const ideas = this.switches.filter(({ name }) => this.off.includes(name)).map(({ idea }) => `“${idea}”`);
    return ideas.length ? `Off: ${ideas.join(" and ")}` : "All ideas are on";
  }

  reveal() {
    const { key } = this, outcome = this.outcomes[key], predicted = this.predictions[key], broken = outcome.steps > 0;
    this.heading = h("h3", { tabindex: "-1" }, `${MARKS[outcome.kind]} ${this.kinds[outcome.kind]}`);
    const right = predicted === outcome.kind;
    const facts = broken
      ? [`${outcome.kind === "deadlock" ? "Stuck" : "Wrong"} after ${outcome.steps} steps, no schedule is shorter: `, h("code", {}, outcome.schedule), `. ${outcome.sentence}. (${this.situations[outcome.where]}.)`]
      : [`Holds: ${outcome.states.toLocaleString("en")} states in two situations, all of them.`];
    this.answer.replaceChildren(h("div", { class: "l-result", "data-kind": outcome.kind }, this.heading,
      predicted ? h("p", {}, right ? "As you expected." : ["You expected: ", h("b", {}, this.kinds[predicted]), "."]) : "",
      h("p", {}, facts),
      h("p", {}, `Write locks of a cache that one unrelated event takes, at worst: ${outcome.useless}.`),
      broken ? [h("p", {}, "Random testing, where each CPU that can run is equally likely to be next, finds it"),
        h("ul", {}, this.situations.map((title, n) => h("li", {}, h("b", {}, outcome.random[n]), `. (${title}.)`)))] : "",
      broken ? this.diagram(outcome) : ""));
    this.log();
    this.say(`${this.described()}. ${this.kinds[outcome.kind]}${broken ? `, after ${outcome.steps} steps` : ""}.`);
  }

  /** The shortest failing schedule, a column for each CPU. */
  diagram(outcome) {
    const rows = this.diagrams.whole[outcome.diagram].map((n) => this.diagrams.rows[n]);
    const cell = ([, depth, text, wrong]) => [h("span", { style: `padding-left:${Math.min(depth, 6) * 0.7}em` }), wrong ? `✗ ${text}` : text];
    return h("details", { open: true, class: "l-diagram" }, h("summary", {}, "The shortest schedule, a column for each CPU, time downwards"),
      h("div", { class: "scrolls", tabindex: "0", role: "group", "aria-label": "The shortest schedule" }, h("table", {},
        h("thead", {}, h("tr", {}, ["vcpu0", "notifier"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, rows.map((row) => h("tr", { class: row[3] ? "l-wrong" : "" },
          [0, 1].map((column) => h("td", {}, row[0] === column ? cell(row) : ""))))))));
  }

  /** What was tried, and what surprised: each is a way back to it. */
  log() {
    const keys = Object.keys(this.predictions).filter((key) => this.outcomes[key]);
    const right = keys.filter((key) => this.predictions[key] === this.outcomes[key].kind).length;
    if (!keys.length) return this.tried.replaceChildren();
    this.tried.replaceChildren(
      h("p", {}, `Tried so far: ${keys.length} of ${Object.keys(this.outcomes).length - 1} choices, ${right} as you expected.`),
      h("div", { class: "row" }, keys.map((key) => {
        const { kind } = this.outcomes[key], asExpected = this.predictions[key] === kind;
        return h("button", { type: "button", "aria-label": `Without ${key.replace(" ", " and ")}: ${this.kinds[kind]}${asExpected ? "" : ", a surprise"}`,
          onclick: () => this.set(key.split(" ")) }, `${MARKS[kind]} ${key.replace(" ", " + ")}${asExpected ? "" : " !"}`);
      })),
      h("div", { class: "row" }, this.button("Forget my predictions", () => {
        this.predictions = {};
        remember("line-switches.predictions", {});
        this.model.set("predictions", {});
        this.model.save_changes();
        this.show(this.off);
      }), h("small", {}, "✓ holds, ≈ wasteful, ✗ breaks, ∞ waits for ever, ! not as you expected. It stays in this browser.")));
  }

  button(text, onclick) { return h("button", { type: "button", onclick }, text); }

  say(text) { this.said.textContent = text; }
}

export default host(Switches);
