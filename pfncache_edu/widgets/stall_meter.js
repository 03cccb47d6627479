/* Readers turned away before and after the patch. What the knobs can be turned to was simulated in Python
   (pfncache_edu/widgets/stall_meter.py) and is looked up here. */

const VARIANTS = ["before", "after"];
const ROWS = [["reads", "reads"], ["readers turned away", "turned_away"], ["– a writer was inside", "behind_a_holder"],
  ["– a writer waited", "behind_a_waiter"], ["trylocks that failed", "trylock_failures"], ["reads given up", "gave_up"],
  ["events", "invalidations"], ["write locks by the notifier", "write_locks"], ["– for nothing", "for_nothing"],
  ["the hook takes, ns", "hook_ns"], ["reads per second", "reads_per_s"], ["99 % wait at most, ns", "p99_wait_ns"]];

/** Looks up outcomes (no page needed; the tests run it by itself). */
export class Meter {
  constructor({ knobs, fields, edges, outcomes }) { Object.assign(this, { knobs: Object.fromEntries(knobs), fields, edges, outcomes }); }

  /** The numbers before and after the patch, by name; `waits` has the reads that did not wait first, then the bins. */
  at([rate, related, readers, kind]) {
    const key = [rate, related, readers, this.knobs.readers[readers] > 1 ? kind : 0].join("");
    return this.outcomes[key].map((numbers) => {
      const named = Object.fromEntries(this.fields.map((name, i) => [name, numbers[i]]));
      return { ...named, waits: [named.reads - named.turned_away, ...numbers.slice(this.fields.length)] };
    });
  }

  /** Where a wait is on the scale: 0 is no wait. */
  place(wait) {
    const found = this.edges.findIndex((edge) => edge === null || wait <= edge);
    return found < 0 ? this.edges.length - 1 : found;
  }

  get scale() {
    return this.edges.map((edge, i) => i === 0 ? "no wait" : edge === null ? `over ${count(this.edges[i - 1])} ns` : `to ${count(edge)} ns`);
  }
}

const count = (n) => n.toLocaleString("en");

class Page {
  constructor(model, el) {
    const of = (...names) => Object.fromEntries(names.map((name) => [name, model.get(name)]));
    Object.assign(this, { model, situations: model.get("situations"), meter: new Meter(of("knobs", "fields", "edges", "outcomes")), past: [] });
    this.root = h("section", { class: "pfn-play pfn-stalls", "aria-label": "Stall meter: readers turned away", "data-lm-suppress-shortcuts": "true" });
    this.live = h("p", { class: "m-live", role: "status", tabindex: "-1" });
    model.set("predictions", { ...recall("stalls.predictions", {}), ...model.get("predictions") });
    this.unhear = hear(model, ["situation", "setting"], () => { if (!this.own) this.build(); }, () => this.fromLink());
    el.append(this.root);
    if (!this.fromLink()) this.build();
  }

  close() {
    this.unhear();
    this.root.remove();
  }

  get situation() { return this.situations[this.model.get("situation")]; }
  get setting() { return this.model.get("setting"); }
  get predicted() { return this.model.get("predictions")[this.situation.title]; }
  get given() { return Object.entries(this.meter.knobs).map(([name, values]) => values.indexOf(this.situation[name])); }

  // -- what the reader can do

  open(number) {
    this.past = [];
    put(this, { situation: number });
    put(this, { setting: this.given });
    this.build();
    this.root.querySelector("select").focus();          // it was made anew: the reader may go on with the arrow keys
  }

  predict(places) {
    const predictions = { ...this.model.get("predictions"), [this.situation.title]: places };
    remember("stalls.predictions", predictions);
    put(this, { predictions });
    this.build();
    this.live.focus();
  }

  turn(knob, place) {
    this.past.push(this.setting);
    put(this, { setting: this.setting.map((old, i) => i === knob ? place : old) });
    this.draw();
  }

  back(to) {
    if (!to) return;
    put(this, { setting: to });
    this.draw();
  }

  // -- links: #stalls=SITUATION~0123

  get link() { return linkTo("stalls", `${this.model.get("situation")}~${this.setting.join("")}`); }

  fromLink() {
    const [, number, places] = shared("stalls").match(/^(\d+)~(\d{4})$/) ?? [];
    const setting = [...(places ?? "")].map(Number), knobs = Object.values(this.meter.knobs);
    if (!this.situations[number] || setting.some((place, i) => place >= knobs[i].length)) return false;
    this.past = [];
    put(this, { situation: Number(number), setting });
    this.build();
    this.root.scrollIntoView?.({ block: "start" });
    return true;
  }

  // -- drawing

  build() {
    const choice = h("select", { onchange: (event) => this.open(Number(event.target.value)) },
      this.situations.map(({ title }, i) => h("option", { value: String(i), selected: i === this.model.get("situation") }, `${i + 1}. ${title}`)));
    this.histogram = h("div", { class: "m-histogram", role: "img" });
    this.counts = h("table", { class: "m-counts" });
    const parts = [h("label", {}, "Situation", choice), h("p", {}, this.situation.story)];
    if (!this.predicted) parts.push(h("p", {}, this.described(this.given)), this.question(), this.live);
    else parts.push(this.controls(), this.live, h("h3", {}, "How long reads wait in the lock"), this.histogram, h("h3", {}, "What was counted"), this.counts);
    this.root.replaceChildren(...parts);
    this.draw();
  }

  words(knob, place) {
    const value = Object.values(this.meter.knobs)[knob][place];
    if (knob === 0) return value === null ? "back to back" : `${count(value)} a second`;
    return knob === 1 ? `${Math.round(100 - 100 * value)} %` : String(value);
  }

  described([rate, related, readers, kind]) {
    const half = this.meter.knobs.readers[readers] > 1 && kind ? `, ${this.words(3, kind)}` : "";
    return `Events: ${this.words(0, rate)}, ${this.words(1, related)} of them unrelated. Readers: ${this.words(2, readers)}${half}.`;
  }

  /** A marker on the scale for each variant, before anything is shown. */
  question() {
    const { scale } = this.meter, sliders = VARIANTS.map((variant) => {
      const words = h("b", {}, scale[0]);
      const input = h("input", { type: "range", min: "0", max: String(scale.length - 1), value: "0", step: "1", oninput: () => { words.textContent = input.ariaValueText = scale[Number(input.value)]; } });
      return [input, h("label", { class: "m-slider" }, h("span", {}, `${variant} the patch: `, words), input)];
    });
    return h("form", { class: "m-question", onsubmit: (event) => { event.preventDefault(); this.predict(sliders.map(([input]) => Number(input.value))); } },
      h("fieldset", {}, h("legend", {}, "99 of 100 reads wait no longer than …"), sliders.map(([, label]) => label)),
      h("button", { type: "submit" }, "Record, and show"), h("small", {}, " It stays in this browser."));
  }

  controls() {
    const names = ["events of the notifier", "unrelated to the cache", "readers of the cache", "the readers are"];
    this.turned = Object.values(this.meter.knobs).map((values, knob) => {
      const said = h("b", {});
      const input = h("input", { type: "range", min: "0", max: String(values.length - 1), step: "1", oninput: (event) => this.turn(knob, Number(event.target.value)) });
      return { input, said, label: h("label", { class: "m-slider" }, h("span", {}, `${names[knob]}: `, said), input) };
    });
    this.undoing = h("button", { type: "button", onclick: () => this.back(this.past.pop()) }, "Undo");
    this.anchor = h("a", {}, "Link to this");
    return h("div", {}, h("div", { class: "m-knobs" }, this.turned.map(({ label }) => label)),
      h("div", { class: "row" }, this.undoing, h("button", { type: "button", onclick: () => { this.past.push(this.setting); this.back(this.given); } }, "Reset"), this.anchor));
  }

  draw() {
    if (!this.predicted) { this.live.textContent = "First say what you expect."; return; }
    const both = this.meter.at(this.setting);
    this.turned.forEach(({ input, said }, knob) => {
      input.value = String(this.setting[knob]);
      said.textContent = input.ariaValueText = this.words(knob, this.setting[knob]);
    });
    this.undoing.setAttribute("aria-disabled", String(!this.past.length));
    this.anchor.href = this.link;
    this.live.textContent = this.told(both);
    this.drawHistogram(both);
    this.drawCounts(both);
  }

  told(both) {
    const each = both.map(({ reads, turned_away, p99_wait_ns }, i) => reads
      ? `${VARIANTS[i][0].toUpperCase()}${VARIANTS[i].slice(1)} the patch ${count(turned_away)} of ${count(reads)} reads were turned away; ${p99_wait_ns ? `99 % waited at most ${count(p99_wait_ns)} ns` : turned_away ? "99 % did not wait" : "nobody waited"}.`
      : `${VARIANTS[i][0].toUpperCase()}${VARIANTS[i].slice(1)} the patch nobody reads.`);
    if (this.setting.join() !== this.given.join()) return each.join(" ");
    const right = both.map(({ p99_wait_ns }, i) => this.meter.place(p99_wait_ns) === this.predicted[i]);
    const said = right.every(Boolean) ? "Both as you said." : `You said: before, ${this.meter.scale[this.predicted[0]]}; after, ${this.meter.scale[this.predicted[1]]}.`;
    return `${each.join(" ")} ${said}`;
  }

  drawHistogram(both) {
    const { scale } = this.meter, most = Math.max(1, ...both.flatMap(({ waits }) => waits)), here = this.setting.join() === this.given.join();
    const marks = (place) => VARIANTS.flatMap((variant, i) => [
      both[i].reads && this.meter.place(both[i].p99_wait_ns) === place ? h("b", {}, `◀ 99 % ${variant}`) : "",
      here && this.predicted[i] === place ? h("span", {}, `◁ you, ${variant}`) : ""]);
    this.histogram.ariaLabel = `Reads by how long they waited. ${scale.map((words, place) => `${words}: ${both.map(({ waits }, i) => `${VARIANTS[i]} ${waits[place]}`).join(", ")}`).join("; ")}.`;
    this.histogram.replaceChildren(h("p", { class: "m-key" }, VARIANTS.map((variant) => h("span", {}, h("i", { class: `m-${variant}` }), `${variant} the patch`))),
      ...scale.map((words, place) => h("div", { class: "m-row" }, h("span", {}, words),
        h("div", {}, both.map(({ waits }, i) => h("div", { class: "m-line" }, h("i", { class: `m-${VARIANTS[i]}`, style: `width: ${waits[place] ? Math.max(70 * waits[place] / most, 0.6) : 0}%` }), count(waits[place])))),
        h("span", { class: "m-marks" }, marks(place)))));
  }

  drawCounts(both) {
    const more = { reads_per_s: ({ reads_per_s_half_width: half }) => ` ± ${count(half)}` };
    const shown = ROWS.filter(([, name]) => !["trylock_failures", "gave_up"].includes(name) || both.some((of) => of[name]));
    this.counts.replaceChildren(h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "in 2 ms of virtual time"), VARIANTS.map((variant) => h("th", { scope: "col" }, variant)))),
      h("tbody", {}, shown.map(([words, name]) => h("tr", {}, h("th", { scope: "row" }, words), both.map((of) => h("td", {}, count(of[name]), more[name]?.(of) ?? ""))))));
  }
}

export default host(Page);
