/* Where an event meets a refresh. This module knows nothing about kernels: every place of every map was run by
   pfncache_edu/widgets/retry_map.py on the tested functions; here it is looked up and drawn. */

const STALE = "X";
const SIGNS = { p: "", c: "c", s: "s", w: "w", X: "✕" };
const PLACE = /^(.*)~(\w+)~(\d+)~(\d+)$/;

/** What the maps of a variant say (no page needed; the tests run it by itself). */
export class Maps {
  constructor(map) {
    this.map = map;
    this.size = map.steps.length;                           // places from 0 to size: before each step, and after the last one
  }

  letter(cut, x, y) { return this.map.maps[cut][y * (y + 1) / 2 + x]; }
  schedule(cut, x, y) { return this.map.stale[cut][`${x},${y}`] ?? ""; }
  count(cut, letter) { return [...this.map.maps[cut]].filter((one) => one === letter).length; }
  get staleSomewhere() { return Object.keys(this.map.maps).some((cut) => this.count(cut, STALE)); }

  /** The sub-goal of the refresh's step that comes next at a place; null after the last one. */
  rung(place) { return this.map.steps[place]?.[1] ?? null; }

  /** A place and a cut in which a stale page is published, the earliest one; null if there is none. */
  example(cuts) {
    for (const cut of cuts)
      for (let y = 0; y <= this.size; y++)
        for (let x = 0; x <= y; x++) if (this.letter(cut, x, y) === STALE) return { cut, x, y };
    return null;
  }
}

class Meeting {
  constructor(model, el) {
    Object.assign(this, { model, cuts: Object.fromEntries(model.get("cuts")), outcomes: Object.fromEntries(model.get("outcomes")), past: [],
      id: `pfn${Math.random().toString(36).slice(2, 8)}` });
    this.root = h("section", { class: "pfn-play pfn-retry", "aria-label": "Retry map", "data-lm-suppress-shortcuts": "true",
      onkeydown: (event) => event.stopPropagation() });                     // a notebook has keys of its own
    const fromLink = () => this.fromText(shared("retry"), true);
    this.unhear = hear(model, ["place"], () => { if (model.get("place") !== this.place_) this.fromText(model.get("place")); }, fromLink);
    el.append(this.root);
    this.state = this.first(0);
    this.build();
    this.fromText(model.get("place"));
    fromLink();
  }

  close() {
    this.unhear();
    this.root.remove();
  }

  // -- state

  first(variant) {
    const { steps } = this.model.get("maps")[variant], look = steps.findIndex(([, rung]) => rung === 3);
    return { variant, cut: "move", x: look, y: look };
  }

  get maps() { return new Maps(this.model.get("maps")[this.state.variant]); }
  get names() { return this.model.get("rungs"); }
  get predicted() { return recall(`retry-map.${this.maps.map.name}`); }

  change(more, remembered = true) {
    if (remembered) this.past.push(this.state);
    const next = { ...this.state, ...more }, { size } = this.maps;
    next.x = Math.min(next.x, size);
    next.y = Math.min("y" in more ? next.y : Math.max(next.y, next.x), size);
    if (next.y < next.x) next.x = next.y;
    this.state = next;
    this.update();
  }

  open(variant) {
    this.past.push(this.state);
    this.state = { ...this.state, variant };
    const { size } = this.maps;
    Object.assign(this.state, { x: Math.min(this.state.x, size), y: Math.min(this.state.y, size) });
    this.build();
    this.variant.focus();
  }

  undo() {
    const before = this.past.pop();
    if (!before) return;
    const rebuild = before.variant !== this.state.variant;
    this.state = before;
    rebuild ? this.build() : this.update();
  }

  predict(answer) {
    remember(`retry-map.${this.maps.map.name}`, answer);
    this.build();
    this.startAt.focus();
  }

  /** Go to a place such as "page_moves_during_refresh~move~9~12"; what cannot be read is left alone. */
  fromText(text, show = false) {
    const [, name, cut, x, y] = text.match(PLACE) ?? [];
    const variant = this.model.get("variants").indexOf(name);
    if (variant < 0 || !(cut in this.cuts)) return;
    const { length } = this.model.get("maps")[variant].steps;
    this.state = { variant, cut, x: Math.min(Number(x), Number(y), length), y: Math.min(Number(y), length) };
    this.build();
    if (show) this.root.scrollIntoView?.({ block: "start" });
  }

  get place_() { const { cut, x, y } = this.state; return `${this.maps.map.name}~${cut}~${x}~${y}`; }
  get link() { return linkTo("retry", this.place_); }

  // -- what is said

  place(at) {
    const rung = this.maps.rung(at);
    return rung === null ? `after step ${at}` : `in “${this.names[rung]}”, before step ${at + 1}`;
  }

  told() {
    const { cut, x, y } = this.state, { map } = this.maps, letter = this.maps.letter(cut, x, y), [name, what] = this.outcomes[letter];
    return `First part ${this.place(x)}, second part ${x === y ? "right behind it" : this.place(y)}. ${name}: ${what}.`;
  }

  summary() {
    const { maps } = this, { map } = maps, { cut } = this.state, stale = maps.count(cut, STALE), all = map.maps[cut].length;
    const here = stale ? `${stale} of ${all} places of this map end stale.` : `None of the ${all} places of this map ends stale.`;
    const elsewhere = stale || map.holds ? "" : maps.staleSomewhere ? " Let the event pause elsewhere." : " A map has only schedules in which the event pauses once.";
    const said = this.predicted === "stale" ? "some place publishes a stale page" : "no place does";
    const right = (this.predicted === "stale") === !map.holds;
    return [h("p", {}, here, elsewhere), h("p", {}, map.verdict), h("p", {}, `You predicted that ${said}. ${right ? "So it is." : "It is the other way round."}`)];
  }

  // -- drawing: `build` makes what stays the same for a variant, `update` shows where the sliders are

  build() {
    const { model } = this, { map, size } = this.maps, button = (label, onclick, more = {}) => h("button", { type: "button", onclick, ...more }, label);
    this.variant = h("select", { id: `${this.id}-variant`, onchange: () => this.open(Number(this.variant.value)) },
      model.get("maps").map((one, i) => h("option", { value: String(i), selected: i === this.state.variant }, one.title)));
    const head = [h("div", { class: "row" }, h("label", { for: `${this.id}-variant` }, "Code"), this.variant),
      h("p", {}, h("b", {}, withCode(map.difference)), ` ${map.situation}`)];
    this.live = h("p", { class: "r-live", role: "status" });
    if (!this.predicted) {
      this.root.replaceChildren(...head, h("fieldset", { class: "r-predict" }, h("legend", {}, "Predict first"),
        h("p", {}, "The event is cut in two parts, and each part may fall anywhere into the refresh. Is there a place where a stale page is published, and stays valid?"),
        h("div", { class: "row" }, button("Yes, there is one", () => this.predict("stale")), button("No, there is none", () => this.predict("never"))),
        h("small", {}, "Your answer stays in this browser.")), this.live);
      return;
    }
    const slider = (name, label) => {
      const input = h("input", { type: "range", min: "0", max: String(size), id: `${this.id}-${name}`, oninput: () => this.change({ [name]: Number(input.value) }) });
      const said = h("output", { for: input.id });
      return [input, said, h("div", { class: "r-slider" }, h("label", { for: input.id }, label), input, said)];
    };
    let first, second;
    [this.startAt, this.startSaid, first] = slider("x", "First part");
    [this.endAt, this.endSaid, second] = slider("y", "Second part");
    this.cut = h("select", { id: `${this.id}-cut`, onchange: () => this.change({ cut: this.cut.value }) },
      Object.entries(this.cuts).map(([name, label]) => h("option", { value: name }, label)));
    this.back = button("Undo", () => this.undo());
    this.anchor = h("a", {}, "Link to this place");
    this.find = button("Show me a stale one", () => { const found = this.maps.example(Object.keys(this.cuts)); found ? this.change(found) : this.say("There is none: every place of every map ends well."); });
    this.outcome = h("div", { class: "r-outcome" });
    this.lanes = h("div", { class: "r-lanes scrolls", tabindex: "0", role: "region", "aria-label": "The refresh step by step, and where the event falls into it" });
    this.picture = h("div", { class: "r-picture" });
    this.result = h("div", { class: "r-result" });
    this.root.replaceChildren(...head,
      h("div", { class: "row" }, h("label", { for: `${this.id}-cut` }, "The event pauses"), this.cut), first, second,
      h("div", { class: "row" }, this.back, button("Reset", () => this.change(this.first(this.state.variant))), this.find, this.anchor),
      this.outcome, this.live,
      h("div", { class: "r-views" }, h("div", {}, h("h3", {}, "Schedule"), this.lanes), h("div", {}, h("h3", {}, "Map of all places"), this.picture, this.legend(), this.result)),
      h("details", {}, h("summary", {}, "How this works"),
        h("p", {}, "Move the two parts with the sliders (arrow keys move them by one step), or choose a place of the map. A part that has to wait for a lock runs as soon as it gets the lock, so neighbouring places may be one and the same schedule. Places count the steps that the refresh has taken; where it has to look again, the later ones lie in its next round. After the second part, the event runs to its end, then vcpu0."),
        h("p", {}, "Each place was run on the model’s functions when the page was made. In this model every CPU sees stores in one order, and the host’s memory management is a table.")));
    this.update();
  }

  legend() {
    return h("ul", { class: "r-legend" }, Object.entries(this.outcomes).map(([letter, [name, what]]) =>
      h("li", {}, s("svg", { viewBox: "0 0 14 14", width: 18, height: 18, "aria-hidden": "true" }, this.square(letter, 0, 0, 14)), h("span", {}, h("b", {}, name), `: ${what}`))));
  }

  update() {
    const { cut, x, y } = this.state, { maps } = this, letter = maps.letter(cut, x, y), [name] = this.outcomes[letter];
    this.cut.value = cut;
    [[this.startAt, this.startSaid, x], [this.endAt, this.endSaid, y]].forEach(([input, output, at]) => {
      input.value = String(at);
      input.setAttribute("aria-valuetext", this.place(at));
      output.textContent = this.place(at);
    });
    this.back.setAttribute("aria-disabled", String(!this.past.length));
    this.anchor.href = this.link;
    const schedule = maps.schedule(cut, x, y);
    this.outcome.dataset.letter = letter;
    this.outcome.replaceChildren(h("p", {}, h("b", {}, `${SIGNS[letter] ? `${SIGNS[letter]} ` : ""}${name}`)), schedule ? h("p", {}, "As a schedule: ", h("code", {}, schedule)) : "");
    this.say(this.told());
    this.showLanes();
    this.picture.replaceChildren(this.drawing());
    this.result.replaceChildren(...this.summary());
    if (this.model.get("place") === this.place_) return;
    this.model.set("place", this.place_);
    this.model.save_changes();
  }

  say(text) { this.live.textContent = text; }

  /** The refresh on the left, step by step under its sub-goals; on the right the two parts of the event, where they fall. */
  showLanes() {
    const { cut, x, y } = this.state, { map, size } = this.maps, [first, second] = map.parts[cut], rows = [];
    const event = (at) => {
      if (at === x) rows.push(h("tr", { class: "r-event" }, h("td", {}), h("td", {}, h("b", {}, "1 "), first)));
      if (at === y) rows.push(h("tr", { class: "r-event" }, h("td", {}), h("td", {}, h("b", {}, "2 "), second)));
    };
    map.steps.forEach(([words, rung], i) => {
      event(i);
      const open = i >= x && i < y;
      const heading = rung === map.steps[i - 1]?.[1] ? "" : h("b", { class: "r-rung" }, this.names[rung]);
      rows.push(h("tr", {}, h("td", {}, heading, h("span", { class: "r-step" }, soft(words))), h("td", { class: open ? "r-open" : "" }, open && i === x ? "event is open" : "")));
    });
    event(size);
    this.lanes.replaceChildren(h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "vcpu0, undisturbed"), h("th", { scope: "col" }, "notifier"))), h("tbody", {}, rows)));
    this.lanes.scrollTop = this.lanes.querySelector(".r-event").offsetTop - this.lanes.clientHeight / 3;
  }

  square(letter, x, y, size) {
    return s("g", { class: `r-cell r-${letter}` }, s("rect", { x, y, width: size, height: size }),
      letter === "c" ? s("path", { d: `M${x} ${y + size}L${x + size} ${y}` }) : letter === "s" ? s("circle", { cx: x + size / 2, cy: y + size / 2, r: size / 7 })
      : letter === "w" ? s("path", { d: `M${x} ${y + size / 2}h${size}` }) : letter === "X" ? s("path", { d: `M${x + size / 4} ${y + size / 4}l${size / 2} ${size / 2}m0 ${-size / 2}l${-size / 2} ${size / 2}` }) : "");
  }

  drawing() {
    const { cut, x, y } = this.state, { maps } = this, { size } = maps, cell = 14, left = 26, rows = size + 1, edge = rows * cell, parts = [];
    const top = (row) => (size - row) * cell + 2;
    for (let row = 0; row <= size; row++)
      for (let column = 0; column <= row; column++) {
        const square = this.square(maps.letter(cut, column, row), left + column * cell, top(row), cell);
        square.onclick = () => this.change({ x: column, y: row });
        parts.push(square);
      }
    const starts = maps.map.steps.map(([, rung], i) => [rung, i]).filter(([rung, i]) => rung !== maps.map.steps[i - 1]?.[1]);
    const bands = starts.flatMap(([rung, from], n) => {
      const to = starts[n + 1]?.[1] ?? size, middle = (from + to) / 2 * cell;
      return [s("path", { class: "r-band", d: `M${left + from * cell} ${edge + 3}v6M${left - 3} ${edge + 2 - from * cell}h-6` }),
        s("text", { x: left + middle, y: edge + 15, "text-anchor": "middle" }, String(rung + 1)), s("text", { x: left - 12, y: edge + 6 - middle, "text-anchor": "middle" }, String(rung + 1))];
    });
    const stale = maps.count(cut, STALE);
    return h("div", {}, s("svg", { viewBox: `0 0 ${left + edge + 4} ${edge + 22}`, width: left + edge + 4, height: edge + 22, role: "img",
      "aria-label": `Map: the first part of the event goes to the right, the second part upwards. ${stale} of ${maps.map.maps[cut].length} places end stale. Here: ${this.outcomes[maps.letter(cut, x, y)][0]}.` },
    parts, bands, s("rect", { class: "r-here", x: left + x * cell, y: top(y), width: cell, height: cell })),
    h("p", { class: "r-caption" }, "To the right: where the first part falls. Upwards: where the second part does. ", this.names.map((name, i) => `${i + 1} ${name}`).join(", "), "."));
  }
}

export default host(Meeting);
