/* Requests at one lock. This module knows no rule of locks: what every order of requests comes to was computed in Python
   (pfncache_edu/turns.py), and is looked up here. */

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** Looks up turns in what widgets/lanes.py turns_of() wrote (no page needed; the tests run it by itself). */
export class Turns {
  constructor({ slots, outcomes, of }, lanes) {
    Object.assign(this, { outcomes, of, lanes, place: new Map() });
    const count = slots ** lanes.length;
    for (let n = 0; n < count; n++) {
      const asks = [...n.toString(slots).padStart(lanes.length, "0")].map((digit) => parseInt(digit, slots));
      if (Math.min(...asks) === 0) this.place.set(asks.join(), this.place.size);
    }
  }

  /** For each lane: when it asks, enters and leaves, and behind whom it waits: {lane, waiting}, or null. */
  at(rule, asks) {
    const first = Math.min(...asks), place = 2 * this.place.get(asks.map((at) => at - first).join());
    const number = DIGITS.indexOf(this.of[rule][place]) * 62 + DIGITS.indexOf(this.of[rule][place + 1]);
    const outcome = this.outcomes[number];
    return this.lanes.map(({ stays }, i) => {
      const waits = DIGITS.indexOf(outcome[2 * i]), code = DIGITS.indexOf(outcome[2 * i + 1]), enters = asks[i] + waits;
      return { asks: asks[i], waits, enters, leaves: enters + stays, behind: code < 0 ? null : { lane: code >> 1, waiting: code % 2 === 1 } };
    });
  }
}

const and = (names) => names.length ? names.join(", ").replace(/, ([^,]*)$/, " and $1") : "nobody";

class Page {
  constructor(model, el) {
    Object.assign(this, { model, lanes: model.get("lanes"), situations: model.get("situations"), rules: Object.fromEntries(model.get("rules")),
      turns: new Turns(model.get("turns"), model.get("lanes")), past: [], id: `pfn${Math.random().toString(36).slice(2, 8)}` });
    this.names = this.lanes.map(({ who }) => who);
    this.last = model.get("turns").slots - 1;
    this.end = this.last + this.lanes.reduce((sum, { stays }) => sum + stays, 0);
    this.root = h("section", { class: "pfn-play pfn-lanes", "aria-label": "Lanes: who waits at a lock", "data-lm-suppress-shortcuts": "true" });
    this.live = h("p", { class: "l-live", role: "status", tabindex: "-1" });
    const known = recall("lanes.predictions", {});
    model.set("predictions", { ...known, ...model.get("predictions") });
    this.unhear = hear(model, ["situation", "rule", "asks"], () => { if (!this.own) this.build(); }, () => this.fromLink());
    el.append(this.root);
    if (!this.fromLink()) this.build();
  }

  close() {
    this.unhear();
    this.root.remove();
  }

  get situation() { return this.situations[this.model.get("situation")]; }
  get asks() { return this.model.get("asks"); }
  get rule() { return this.model.get("rule"); }
  get predicted() { return this.model.get("predictions")[this.situation.title]; }
  get state() { return { situation: this.model.get("situation"), rule: this.rule, asks: this.asks }; }

  // -- what the reader can do

  open(number) {
    const { rule, asks } = this.situations[number];
    this.past = [];
    put(this, { situation: number, rule, asks: [...asks] });
    this.build();
    this.root.querySelector("select").focus();          // it was made anew: the reader may go on with the arrow keys
  }

  predict(names) {
    const predictions = { ...this.model.get("predictions"), [this.situation.title]: names };
    remember("lanes.predictions", predictions);
    put(this, { predictions });
    this.build();
    this.live.focus();
  }

  change(values, keep = true) {
    if (keep) this.past.push(this.state);
    put(this, values);
    this.draw();
  }

  move(lane, at, keep = true) {
    const bounded = Math.max(0, Math.min(this.last, at));
    if (bounded !== this.asks[lane]) this.change({ asks: this.asks.map((old, i) => i === lane ? bounded : old) }, keep);
  }

  undo() {
    const last = this.past.pop();
    if (last) this.change(last, false);
  }

  // -- links: #lanes=SITUATION~RULE~0-1-2-3

  get link() {
    return linkTo("lanes", `${this.model.get("situation")}~${Object.keys(this.rules).indexOf(this.rule)}~${this.asks.join("-")}`);
  }

  fromLink() {
    const [, number, rule, asks] = shared("lanes").match(/^(\d+)~(\d)~([\d-]+)$/) ?? [];
    const times = asks?.split("-").map(Number) ?? [];
    if (!this.situations[number] || !Object.keys(this.rules)[rule] || times.length !== this.lanes.length || times.some((at) => !(at <= this.last))) return false;
    this.past = [];
    put(this, { situation: Number(number), rule: Object.keys(this.rules)[rule], asks: times });
    this.build();
    this.root.scrollIntoView?.({ block: "start" });
    return true;
  }

  // -- drawing

  build() {
    const { situation } = this;
    const choice = h("select", { onchange: (event) => this.open(Number(event.target.value)) },
      this.situations.map(({ title }, i) => h("option", { value: String(i), selected: i === this.model.get("situation") }, `${i + 1}. ${title}`)));
    this.tracks = this.lanes.map((_, i) => this.track(i));
    this.line = h("ol", { class: "l-line", "aria-label": "How many stand waiting, from time to time" });
    this.ask = this.predicted ? "" : this.question();
    this.board = h("div", { class: "l-board" }, this.tracks.map(({ row }) => row), h("div", { class: "l-count" }, h("span", { class: "l-who" }, "waiting"), this.line));
    this.controls = this.predicted ? this.control() : "";
    this.root.replaceChildren(...[h("label", {}, "Situation", choice), h("p", {}, situation.story), this.ask, this.board,
      h("p", { class: "l-key" }, ["asks", "waits", "reads", "writes"].map((word) => h("span", {}, h("i", { class: `l-${word}` }), word))),
      this.live, this.controls].filter(Boolean));
    this.draw();
  }

  /** Who will have to wait? Asked before it is shown. */
  question() {
    const boxes = this.names.map((who) => [h("input", { type: "checkbox", value: who }), who]);
    return h("form", { class: "l-question", onsubmit: (event) => { event.preventDefault(); this.predict(boxes.filter(([box]) => box.checked).map(([, who]) => who)); } },
      h("fieldset", {}, h("legend", {}, "Who will have to wait?"), h("p", {}, `The rule is “${this.rules[this.situation.rule]}”.`),
        h("div", { class: "row" }, boxes.map(([box, who]) => h("label", {}, box, who)))),
      h("button", { type: "submit" }, "Record, and show"), h("small", {}, " No box: nobody waits. It stays in this browser."));
  }

  track(i) {
    const { who, mode, in_interrupt } = this.lanes[i], wait = h("span", { class: "l-bar l-waits" }), stay = h("span", { class: `l-bar l-${mode}s` });
    const mark = h("span", { class: "l-mark" }), said = h("span", { class: "l-said" });
    const field = h("div", { class: "l-track" }, wait, stay, mark);
    field.onpointerdown = (event) => this.drag(event, i, field);
    return { row: h("div", { class: "l-lane" }, h("span", { class: "l-who" }, who, h("small", {}, ` ${mode}s${in_interrupt ? ", in interrupt context" : ""}`)), field, said), wait, stay, mark, said };
  }

  /** Requests can be dragged; the range inputs below do the same by keyboard. */
  drag(event, lane, field) {
    if (!this.predicted) return;
    const from = event.clientX, before = this.asks[lane], tick = field.clientWidth / this.end;
    this.past.push(this.state);
    field.setPointerCapture(event.pointerId);
    field.onpointermove = ({ clientX }) => this.move(lane, before + Math.round((clientX - from) / tick), false);
    field.onpointerup = field.onpointercancel = () => {
      field.onpointermove = null;
      if (this.asks[lane] === before) this.past.pop();
      this.draw();
    };
  }

  control() {
    const rules = Object.entries(this.rules).map(([rule, words]) => h("label", {},
      h("input", { type: "radio", name: `${this.id}-rule`, value: rule, onchange: () => this.change({ rule }) }), h("span", {}, words)));
    this.radios = rules.map((label) => label.firstChild);
    this.sliders = this.names.map((who, i) => {
      const number = h("b", {}), input = h("input", { type: "range", min: "0", max: String(this.last), step: "1", oninput: (event) => this.move(i, Number(event.target.value)) });
      return { input, number, label: h("label", { class: "l-slider" }, h("span", {}, `${who} asks at `, number), input) };
    });
    this.undoing = h("button", { type: "button", onclick: () => this.undo() }, "Undo");
    this.anchor = h("a", {}, "Link to this");
    this.compared = h("table", {});
    this.goal = h("p", { class: "l-goal" });
    return h("div", {}, this.goal, h("fieldset", {}, h("legend", {}, "Rule of the lock"), rules), h("div", { class: "l-sliders" }, this.sliders.map(({ label }) => label)),
      h("div", { class: "row" }, this.undoing, h("button", { type: "button", onclick: () => this.change({ rule: this.situation.rule, asks: [...this.situation.asks] }) }, "Reset"), this.anchor),
      this.compared);
  }

  draw() {
    const turns = this.turns.at(this.rule, this.asks), open = Boolean(this.predicted), percent = (n) => `${100 * n / this.end}%`;
    turns.forEach((turn, i) => {
      const { wait, stay, mark, said } = this.tracks[i];
      wait.style.left = mark.style.left = percent(turn.asks);
      wait.style.width = percent(open ? turn.waits : 0);
      wait.hidden = !(open && turn.waits);
      stay.hidden = !open;
      stay.style.left = percent(turn.enters);
      stay.style.width = percent(turn.leaves - turn.enters);
      said.textContent = open ? this.said(i, turn) : `asks at ${turn.asks} and stays ${this.lanes[i].stays}`;
    });
    this.drawLine(turns, open);
    this.live.textContent = open ? this.told(turns) : "First say who will have to wait.";
    if (open) this.drawControls(turns);
  }

  said(i, { asks, waits, enters, leaves, behind }) {
    const met = behind && `meets ${this.names[behind.lane]}, which ${behind.waiting ? "waits itself" : "is inside"}; `;
    return `asks at ${asks}, ${met ? `${met}waits ${waits}; ` : ""}in at ${enters}, out at ${leaves}`;
  }

  drawLine(turns, open) {
    this.line.parentElement.hidden = !open;
    this.line.replaceChildren(...Array.from({ length: open ? this.end : 0 }, (_, time) => {
      const waiting = turns.filter(({ asks, enters }) => asks <= time && time < enters).length;
      return h("li", { class: waiting ? "l-some" : "", title: `from ${time} to ${time + 1}` }, String(waiting));
    }));
  }

  /** What came out, and in the situation as it was given: how that compares with the prediction. */
  told(turns) {
    const waiting = this.names.filter((_, i) => turns[i].waits), total = turns.reduce((sum, { waits }) => sum + waits, 0);
    const now = `${this.rule[0].toUpperCase()}${this.rule.slice(1)}: ${and(waiting)} ${waiting.length > 1 ? "wait" : "waits"}${total ? `, ${total} in all` : ""}.`;
    if (this.rule !== this.situation.rule || this.asks.join() !== this.situation.asks.join()) return now;
    const right = this.predicted.join() === waiting.join();
    return `${now} You predicted: ${and(this.predicted)}. ${right ? "So it is." : "Look at the lanes that surprise you: each says whom it met."}`;
  }

  drawControls(turns) {
    const { goal, best } = this.situation, lane = this.names.indexOf(goal);
    this.radios.forEach((radio) => { radio.checked = radio.value === this.rule; });
    this.sliders.forEach(({ input, number }, i) => { input.value = String(this.asks[i]); number.textContent = String(this.asks[i]); });
    this.undoing.setAttribute("aria-disabled", String(!this.past.length));
    this.anchor.href = this.link;
    const now = goal ? turns[lane].waits : 0, ruled = this.rule === this.situation.rule;
    this.goal.replaceChildren(...(goal ? [h("b", {}, "Goal: "), `under “${this.situation.rule}”, make ${goal} wait as long as you can. `,
      !ruled ? "This is another rule." : now === best ? h("span", { class: "good" }, `✓ ${now}: nobody can make it wait longer.`) : `Now ${now}; the longest is ${best}.`] : []));
    const rules = Object.keys(this.rules), each = rules.map((rule) => this.turns.at(rule, this.asks));
    const cell = (tag, n, text) => h(tag, { ...(tag === "th" ? { scope: "col" } : {}), class: rules[n] === this.rule ? "l-now" : "" }, text);
    this.compared.replaceChildren(h("caption", {}, "The same requests under each rule: how long each waits"),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "who"), rules.map((rule, n) => cell("th", n, rule === this.rule ? `▸ ${rule}` : rule)))),
      h("tbody", {}, this.names.map((who, i) => h("tr", {}, h("th", { scope: "row" }, who), each.map((turns, n) => cell("td", n, String(turns[i].waits)))))));
  }
}

export default host(Page);
