/* Two handles, one page. Which caches a range withdraws, and which locks that takes, was computed by
   pfncache_edu/widgets/two_handles.py with the tested hook; this module looks it up. */

/** What the hook does to the first `count` caches for pages [start, end): which are withdrawn, and the locks of then and now. */
export function verdict(data, count, start, end) {
  const hit = data.hits[`${start},${end}`], marks = data.where.slice(0, count).map(([page]) => hit[page] === "1");
  const cost = (when, mode) => marks.reduce((sum, mark) => sum + data.costs[when][mark ? "hit" : "missed"][mode], 0);
  return { marks, withdrawn: marks.filter(Boolean).length, now: [cost("now", 0), cost("now", 1)], before: [cost("before", 0), cost("before", 1)] };
}

const KEY = "two-handles", hex = (address) => `0x${address.toString(16)}`;
const mark = (yes) => yes ? "✗ withdrawn" : "○ left alone";

class Handles {
  constructor(model, el) {
    Object.assign(this, { model, data: model.get("data"), puzzle: -1, past: [], answer: null });
    this.solved = recall(`${KEY}.puzzles`, {});
    this.score = recall(`${KEY}.score`, { right: 0, all: 0 });
    this.root = h("section", { class: "pfn-play pfn-handles", "aria-label": "Two handles, one page", "data-lm-suppress-shortcuts": "true" });
    this.build();
    // Python may set one end before the other, and our own changes come back one by one: neither is a range to draw.
    this.unhear = hear(model, ["caches", "start", "end"], () => {
      const [caches, start, end] = ["caches", "start", "end"].map((name) => this.model.get(name));
      if (!this.setting && `${start},${end}` in this.data.hits) this.take(caches, start, end);
    }, () => this.fromLink());
    el.append(this.root);
    this.take(model.get("caches"), model.get("start"), model.get("end"));
    this.fromLink();
  }

  close() {
    this.unhear();
    this.root.remove();
  }

  fromLink() {
    const [caches, start, end] = shared(KEY).split(",").map(Number);
    if (this.data.counts.includes(caches) && `${start},${end}` in this.data.hits) this.leave(() => this.take(caches, start, end));
  }

  build() {
    const { data } = this, id = `pfn${Math.random().toString(36).slice(2, 8)}`;
    this.counts = data.counts.map((count) => h("input", { type: "radio", name: id, value: String(count),
      onchange: () => this.leave(() => this.take(count, this.start, this.end)) }));
    const handle = (name, act) => h("input", { type: "range", min: "0", max: String(data.pages), step: "1", "aria-label": name, oninput: act });
    this.left = handle("start of the range", () => this.leave(() => this.take(this.caches, +this.left.value, Math.max(+this.left.value, this.end))));
    this.right = handle("end of the range", () => this.leave(() => this.take(this.caches, Math.min(this.start, +this.right.value), +this.right.value)));
    this.leftWords = h("code"); this.rightWords = h("code");
    this.picture = h("div", { class: "t-line scrolls", tabindex: "0", role: "region", "aria-label": "The line of user addresses" });
    this.test = h("p", { class: "t-test" });
    this.ask = h("div", { class: "t-ask" });
    this.live = h("p", { class: "t-live", role: "status", tabindex: "-1" });
    this.locks = h("div", { class: "scrolls" });
    this.back = h("button", { type: "button", onclick: () => this.undo() }, "Undo");
    this.link = h("a", { href: "#" }, "Link to this range");
    this.list = h("div", { class: "row t-puzzles" });
    this.root.append(
      h("fieldset", {}, h("legend", {}, "How many caches?"), h("div", { class: "row" }, this.counts.map((input) => h("label", {}, input, input.value)))),
      this.picture,
      h("label", { class: "t-handle" }, h("span", {}, "start ", this.leftWords), this.left),
      h("label", { class: "t-handle" }, h("span", {}, "end ", this.rightWords), this.right),
      this.test, this.ask, this.live, this.locks,
      h("h3", {}, "Eight boundary puzzles"), this.list,
      h("div", { class: "row" }, this.back, h("button", { type: "button", onclick: () => this.restart() }, "Start again"), this.link));
  }

  /** Do something that leaves the puzzle and can be undone. */
  leave(act) {
    this.past.push([this.caches, this.start, this.end, this.puzzle]);
    this.puzzle = -1;
    act();
  }

  undo() {
    const state = this.past.pop();
    if (!state) return this.say("There is nothing to undo.");
    this.puzzle = state[3];
    this.take(...state);
  }

  restart() {
    this.past = [];
    this.puzzle = -1;
    this.take(1, 5, 8);
  }

  take(caches, start, end) {
    const same = this.caches === caches && this.start === start && this.end === end && this.shownPuzzle === this.puzzle;
    if (same) return;
    Object.assign(this, { caches, start, end, shownPuzzle: this.puzzle, answer: null });
    this.setting = true;
    for (const [name, value] of Object.entries({ caches, start, end, said: -1 })) this.model.set(name, value);
    this.setting = false;
    this.model.save_changes();
    this.draw();
    this.say(this.puzzle < 0 ? `The range is ${this.range}. Say what it does before you are told.`
      : `Puzzle ${this.puzzle + 1} of ${this.data.puzzles.length}. ${this.given.title}`);
  }

  get given() { return this.data.puzzles[this.puzzle]; }
  get range() { return `[${hex(this.at(this.start))}, ${hex(this.at(this.end))})`; }
  at(page) { return this.data.line + page * this.data.page_size; }

  open(number) {
    this.past.push([this.caches, this.start, this.end, this.puzzle]);
    this.puzzle = number;
    this.take(1, this.given.start, this.given.end);
  }

  /** The reader says how many caches are withdrawn: now the outcome may be shown. */
  tell(said) {
    const { data, puzzle } = this;
    const found = puzzle < 0 ? verdict(data, this.caches, this.start, this.end).withdrawn : Number(this.given.hit);
    const right = said === found;
    this.answer = said;
    this.model.set("said", said);
    this.model.save_changes();
    this.score = { right: this.score.right + right, all: this.score.all + 1 };
    remember(`${KEY}.score`, this.score);
    if (puzzle >= 0 && right) remember(`${KEY}.puzzles`, this.solved = { ...this.solved, [puzzle]: true });
    this.draw();
    const one = (n) => n ? "withdrawn" : "left alone", why = puzzle >= 0 ? ` ${this.given.why.replace(/[`*]/g, "")}` : "";
    const outcome = right ? "So it is." : this.caches === 1 ? `It is ${one(found)}.` : `${found} ${found === 1 ? "is" : "are"} withdrawn.`;
    this.say(`You expected ${this.caches === 1 ? one(said) : said}. ${outcome}${why} You were right ${this.score.right} of ${this.score.all} times.`);
    this.live.focus();
  }

  say(text) { this.live.textContent = text; }

  draw() {
    const { data, caches, start, end } = this, told = this.answer !== null, puzzle = this.given;
    for (const input of this.counts) input.checked = Number(input.value) === caches;
    this.left.value = String(start); this.right.value = String(end);
    for (const [input, words, page] of [[this.left, this.leftWords, start], [this.right, this.rightWords, end]]) {
      words.textContent = hex(this.at(page));
      input.setAttribute("aria-valuetext", hex(this.at(page)));
    }
    this.result = verdict(data, caches, start, end);
    this.drawLine(told, puzzle);
    this.drawTest(told, puzzle);
    this.drawQuestion(told);
    this.drawLocks(told && !puzzle);
    this.list.replaceChildren(...data.puzzles.map((one, i) => h("button", { type: "button", "aria-pressed": String(i === this.puzzle), title: one.title,
      "aria-label": `Puzzle ${i + 1}${this.solved[i] ? ", solved" : ""}`, onclick: () => { this.open(i); this.list.children[i].focus(); } }, `${i + 1}${this.solved[i] ? " ☑" : ""}`)));
    this.link.href = linkTo(KEY, `${caches},${start},${end}`);
    this.back.setAttribute("aria-disabled", String(!this.past.length));
  }

  drawLine(told, puzzle) {
    const { data, caches, start, end, result } = this, cell = 54, left = 48, high = caches === 100 ? 96 : caches === 10 ? 64 : 34;
    const x = (page) => left + page * cell, below = 34 + high;
    const marks = puzzle ? [puzzle.hit] : result.marks, stacked = Array(data.pages).fill(0);
    const dots = data.where.slice(0, caches).map(([page, offset], i) => {
      const n = stacked[page]++, at = puzzle ? puzzle.uhva - this.at(page) : offset;
      const across = caches === 100 ? x(page) + 8 + (n % 4) * 12.5 : x(page) + 4 + (at / data.page_size) * (cell - 10);
      const down = below - 10 - (caches === 100 ? Math.floor(n / 4) * 14 : n * 16), hit = told && marks[i];
      return hit ? s("text", { x: across, y: down + 5, class: "t-hit", "text-anchor": "middle" }, "✗")
        : s("circle", { cx: across, cy: down, r: 4.5, class: i ? "t-cache" : "t-cache t-ours" });
    });
    const pages = Array.from({ length: data.pages + 1 }, (_, page) => [
      s("line", { x1: x(page), y1: 28, x2: x(page), y2: below, class: "t-page" }),
      ...(page % 3 === 0 ? [s("text", { x: x(page), y: below + 42, "text-anchor": "middle", class: "t-address" }, hex(this.at(page)))] : [])]).flat();
    const words = told ? `${marks.filter(Boolean).length} of ${caches} withdrawn` : "verdict not shown yet";
    this.picture.replaceChildren(s("svg", { viewBox: `0 0 ${left * 2 + data.pages * cell} ${below + 50}`, width: left * 2 + data.pages * cell, height: below + 50, role: "img",
      "aria-label": `User addresses from ${hex(this.at(0))} to ${hex(this.at(data.pages))}, ${caches} cache${caches > 1 ? "s" : ""}, ours at ${hex(puzzle ? puzzle.uhva : this.at(3))}, the range ${this.range}, ${words}` },
      s("rect", { x: x(3), y: 28, width: cell, height: high + 6, class: "t-ourpage" }),
      s("text", { x: x(3) + cell / 2, y: 18, "text-anchor": "middle", class: "t-words" }, puzzle && !puzzle.valid ? "our page (cache not valid)" : "our page"),
      pages, dots,
      s("line", { x1: x(start), y1: below + 14, x2: x(end), y2: below + 14, class: "t-range" }),
      s("line", { x1: x(start), y1: below + 5, x2: x(start), y2: below + 23, class: "t-start" }),
      s("circle", { cx: x(end), cy: below + 14, r: 6, class: "t-end" })));
  }

  drawTest(told, puzzle) {
    if (this.caches > 1) return this.test.replaceChildren("The hook asks each cache: ", h("code", {}, "start <= uhva < end"), ".");
    const low = this.at(this.start), uhva = puzzle ? puzzle.uhva : this.at(3), high = this.at(this.end), valid = !puzzle || puzzle.valid;
    const hit = puzzle ? puzzle.hit : this.result.marks[0];
    this.test.replaceChildren("The hook asks: ", h("code", {}, `valid and ${hex(low)} <= ${hex(uhva)} < ${hex(high)}`), valid ? "" : ", and valid is False here",
      told ? h("b", { class: hit ? "bad" : "good" }, ` ${mark(hit)}`) : "",
      told && puzzle?.otherwise.length ? h("small", {}, ` A hook that is one off (`, h("code", {}, puzzle.otherwise[0]), ") judges otherwise.") : "");
  }

  drawQuestion(told) {
    if (told) return this.ask.replaceChildren(h("button", { type: "button", onclick: () => { this.answer = null; this.draw(); this.say("Say it again."); } }, "Ask me again"),
      ...(this.puzzle >= 0 && this.puzzle + 1 < this.data.puzzles.length ? [" ", h("button", { type: "button", onclick: () => { this.open(this.puzzle + 1); this.ask.querySelector("button").focus(); } }, "Next puzzle")] : []));
    if (this.caches === 1) return this.ask.replaceChildren(h("span", {}, "Our cache will be "), h("button", { type: "button", onclick: () => this.tell(1) }, "✗ withdrawn"), " ",
      h("button", { type: "button", onclick: () => this.tell(0) }, "○ left alone"));
    const number = h("input", { type: "number", min: "0", max: String(this.caches), "aria-label": "How many caches will be withdrawn?", inputmode: "numeric" });
    this.ask.replaceChildren(h("form", { class: "row", onsubmit: (event) => {
      event.preventDefault();
      number.value === "" ? this.say("Give a number first: a guess will do.") : this.tell(Number(number.value));
    } }, h("span", {}, `How many of the ${this.caches} will be withdrawn?`), number, h("button", { type: "submit" }, "Say it")));
  }

  drawLocks(told) {
    this.locks.hidden = !told;
    if (!told) return;
    const { now, before } = this.result;
    this.locks.replaceChildren(h("table", {}, h("thead", {}, h("tr", {}, ["this event takes", "read locks", "write locks"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, [["Linux 6.12", now], ["before the patch", before]].map(([who, counts]) => h("tr", {}, h("th", { scope: "row" }, who), counts.map((n) => h("td", {}, String(n))))))));
  }
}

export default host(Handles);
