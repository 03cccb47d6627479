/* One patch, two texts, the same questions: how many does each text answer, and how soon? Then what a clearer text is worth.
   What is right, and which words say it, comes from Python; the clock runs here. */

const LETTERS = "AB", GUESSES = [
  ["minutes", "Minutes more for the author", "the mail: \"an extra minute or two\""],
  ["readers", "Readers", "the mail: \"hundreds if not thousands\""],
  ["needing", "Of 100 readers, how many have to work it out", "a guess of ours"],
  ["seconds", "Seconds that each of these is spared", "a guess of ours"]];

/** What a clearer text takes and gives: two_changelogs.py has the same sums, and the tests compare them. */
export class Savings {
  constructor(guesses) { Object.assign(this, guesses); }

  aReader(needing, seconds) { return needing / 100 * seconds - this.longer * 60 / this.pace; }

  net(minutes, readers, needing, seconds) { return readers * this.aReader(needing, seconds) - 60 * minutes; }

  worst() {
    const { minutes, readers, needing, seconds } = this;
    return this.net(minutes[1], readers[this.aReader(needing[0], seconds[0]) > 0 ? 0 : 1], needing[0], seconds[0]);
  }

  best() {
    const { minutes, readers, needing, seconds } = this;
    return this.net(minutes[0], readers[this.aReader(needing[1], seconds[1]) > 0 ? 1 : 0], needing[1], seconds[1]);
  }

  outcomes(parts = 8) {
    const [m, r, n, w] = GUESSES.map(([name]) => spread(...this[name], parts));
    return m.flatMap((a) => r.flatMap((b) => n.flatMap((c) => w.map((d) => this.net(a, b, c, d))))).sort((a, b) => a - b);
  }

  middle() { const all = this.outcomes(), half = all.length / 2; return (all[half - 1] + all[half]) / 2; }

  chance() { const all = this.outcomes(); return all.filter((net) => net > 0).length / all.length; }

  paysFrom() {
    const [minutes, needing, seconds] = ["minutes", "needing", "seconds"].map((name) => Math.sqrt(this[name][0] * this[name][1]));
    const each = this.aReader(needing, seconds);
    return each > 0 ? 60 * minutes / each : null;
  }
}

/** The middles of equal pieces of the way from low to high, in ratios. */
function spread(low, high, parts) {
  return Array.from({ length: parts }, (_, n) => low * (high / low) ** ((n + 0.5) / parts));
}

/** Seconds in the unit that a person would choose. */
export function inWords(seconds) {
  const size = Math.abs(seconds), sign = seconds < 0 ? "−" : "";
  const [amount, unit] = size < 100 ? [size, "second"] : size < 5400 ? [size / 60, "minute"] : [size / 3600, "hour"];
  const shown = amount < 10 ? Math.round(amount * 10) / 10 : Math.round(amount);
  return `${sign}${shown} ${unit}${shown === 1 ? "" : "s"}`;
}

/** A result as text for a link, "01.1122.2110.41.35": the order, the options chosen for each text, the seconds. */
export function written({ order, chosen, seconds }) {
  return [order.join(""), ...chosen.map((one) => one.join("")), ...seconds.map(Math.round)].join(".");
}

export function readResult(text, questions) {
  const match = /^(01|10)\.(\d+)\.(\d+)\.(\d{1,5})\.(\d{1,5})$/.exec(text);
  if (!match) return null;
  const chosen = [match[2], match[3]].map((digits) => [...digits].map(Number));
  const fits = chosen.every((one) => one.length === questions.length && one.every((option, n) => option < questions[n].options.length));
  return fits ? { order: [...match[1]].map(Number), chosen, seconds: [Number(match[4]), Number(match[5])] } : null;
}

const EXPECTATIONS = ["Both texts answer all of them", "The longer text answers all of them, the shorter one does not",
  "Each text answers some that the other does not", "Neither text answers any"];

class TwoTexts {
  constructor(model, el) {
    Object.assign(this, { model, texts: model.get("texts"), questions: model.get("questions"), id: `pfn${Math.random().toString(36).slice(2, 8)}` });
    this.root = h("section", { class: "pfn-play pfn-two-changelogs", "aria-label": "Two changelogs", "data-lm-suppress-shortcuts": "true" });
    this.stage = h("div", { class: "t-stage" });
    this.said = h("p", { class: "t-said", role: "status" });
    this.savings = new Savings(recall("two-changelogs.savings") ?? model.get("savings"));
    this.savings.longer = model.get("savings").longer;
    this.savings.pace = model.get("savings").pace;
    this.root.append(this.stage, this.said, this.calculator());
    el.append(this.root);
    this.seen = () => this.stopwatch(document.hidden);
    document.addEventListener("visibilitychange", this.seen);
    this.moved = () => this.fromLink();
    addEventListener("hashchange", this.moved);
    this.fromLink() || this.fromMemory() || this.begin();
  }

  close() {
    document.removeEventListener("visibilitychange", this.seen);
    removeEventListener("hashchange", this.moved);
    this.root.remove();
  }

  // --- where it stands ---------------------------------------------------------------------------------------------

  fromLink() {
    const result = readResult(shared("two-changelogs"), this.questions);
    if (!result) return false;
    Object.assign(this, result);
    this.finish();
    return true;
  }

  fromMemory() {
    const result = readResult(recall("two-changelogs.result", ""), this.questions);
    if (!result) return false;
    Object.assign(this, result);
    this.finish();
    return true;
  }

  begin() {
    const first = this.model.get("first");
    const lead = first < 0 ? Math.floor(Math.random() * 2) : first;
    Object.assign(this, { order: [lead, 1 - lead], chosen: [[], []], seconds: [0, 0], round: -1, since: null });
    const stored = recall("two-changelogs.prediction", "");
    const options = EXPECTATIONS.map((text, n) => [h("input", { type: "radio", name: `${this.id}-e`, value: text, checked: text === stored }), text]);
    this.stage.replaceChildren(
      h("h3", {}, "Four questions, two texts"),
      h("p", {}, "Both texts describe the patch of the last chapter. Answer from the text alone, not from what you know: where it says nothing, say so. "
        + "The clock runs while a text is open."),
      h("fieldset", {}, h("legend", {}, "First a prediction: which of the questions do the texts answer?"),
        options.map(([input, text]) => h("label", {}, input, h("span", {}, text)))),
      h("div", { class: "row" }, this.button("Open the first text", () => {
        const picked = options.find(([input]) => input.checked);
        if (!picked) return this.say("Choose what you expect first: a wrong guess teaches more than none.");
        remember("two-changelogs.prediction", picked[1]);
        this.read(0);
      })));
    this.say("");
  }

  /** Open a text with its questions; the clock starts. */
  read(round) {
    this.round = round;
    const which = this.order[round], text = this.texts[which];
    this.done = this.button(round ? "Done: compare" : "Done: the other text", () => this.handIn(which));
    this.title = h("h3", { tabindex: "-1" }, `Text ${round + 1} of 2`);
    this.stage.replaceChildren(this.title, h("blockquote", { class: "t-text" }, text.text),
      ...this.questions.map((question, n) => this.ask(question, n, which)),
      h("div", { class: "row" }, this.done, this.button("Start again", () => this.restart())));
    this.ready(which);
    this.title.focus();
    this.stopwatch(false);
    this.say(`Text ${round + 1} of 2 is open, ${text.words} words. ${this.questions.length} questions.`);
  }

  ask(question, n, which) {
    return h("fieldset", {}, h("legend", {}, `${n + 1}. ${question.question}`), question.options.map((option, i) => h("label", {},
      h("input", { type: "radio", name: `${this.id}-${which}-${n}`, checked: this.chosen[which][n] === i,
        onchange: () => { this.chosen[which][n] = i; this.ready(which); } }), h("span", {}, option))));
  }

  ready(which) {
    const missing = this.questions.filter((_, n) => this.chosen[which][n] === undefined).length;
    this.done.setAttribute("aria-disabled", missing ? "true" : "false");
    this.missing = missing;
  }

  handIn(which) {
    if (this.missing) return this.say(`${this.missing} of ${this.questions.length} questions still without an answer.`);
    this.stopwatch(true);
    if (this.round === 0) return this.read(1);
    remember("two-changelogs.result", written(this));
    this.finish();
    this.heading.focus();
  }

  /** Let the clock of the open text run, or stop it: it stops while the page is hidden, too. */
  stopwatch(stop) {
    const which = this.order?.[this.round], now = performance.now();
    if (which === undefined) return;
    if (this.since != null) this.seconds[which] += (now - this.since) / 1000;
    this.since = stop ? null : now;
  }

  restart() {
    remember("two-changelogs.result", "");
    if (shared("two-changelogs")) history.replaceState(null, "", location.pathname + location.search);
    this.begin();
    this.stage.querySelector("input")?.focus();
  }

  // --- what came out -----------------------------------------------------------------------------------------------

  right(which, n) { return this.chosen[which][n] === this.questions[n].answers[which]; }

  finish() {
    this.round = -1;
    this.model.set("answers", this.chosen);
    this.model.set("seconds", this.seconds.map(Math.round));
    this.model.save_changes();
    const counts = this.texts.map((_, which) => this.questions.filter((__, n) => this.right(which, n)).length);
    const answered = this.texts.map((_, which) => this.questions.filter((question) => question.marks[which]).length);
    this.heading = h("h3", { tabindex: "-1" }, "What each text answers");
    this.views = this.texts.map((text, which) => h("div", { class: "t-side" },
      h("h5", {}, `${LETTERS[which]} · ${text.name}`), h("small", {}, `${text.words} words: ${text.about}`), h("blockquote", { class: "t-text" }),
      h("p", {}, `You: ${Math.round(this.seconds[which])} s${this.order[0] === which ? " (read first)" : ""}, ${counts[which]} of ${this.questions.length} right.`)));
    this.rows = this.questions.map((question, n) => h("tr", {},
      h("th", { scope: "row" }, h("button", { type: "button", "aria-pressed": "false", onclick: () => this.point(n) }, `${n + 1}. ${question.question}`)),
      this.texts.map((_, which) => h("td", {}, question.marks[which] ? "says it" : "silent", h("br"),
        h("span", { class: this.right(which, n) ? "good" : "bad" }, this.right(which, n) ? "✓ you" : "✗ you")))));
    this.why = h("p", { class: "t-why" });
    const expected = recall("two-changelogs.prediction", "");
    this.stage.replaceChildren(this.heading,
      h("div", { class: "t-sides" }, this.views),
      h("p", {}, "Choose a question: the words that answer it are marked in both texts."),
      h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Question"), [...LETTERS].map((letter) => h("th", { scope: "col" }, letter)))),
        h("tbody", {}, this.rows)),
      this.why,
      h("p", {}, expected ? ["You expected: ", h("b", {}, expected), ". "] : "", "The outcome: ", h("b", {}, outcome(this.questions)),
        `. A answers ${answered[0]} of ${this.questions.length} by itself, B ${answered[1]}.`),
      h("small", {}, "The text that came second had the easier task, since you knew the questions. One reader proves nothing; a class that draws its order by lot can."),
      h("div", { class: "row" }, this.button("Start again", () => this.restart()),
        h("a", { href: linkTo("two-changelogs", written(this)) }, "Link to this result")));
    this.point(1);
  }

  /** Show what answers a question, in both texts at once. */
  point(n) {
    const question = this.questions[n];
    this.rows.forEach((row, i) => row.querySelector("button").setAttribute("aria-pressed", String(i === n)));
    this.views.forEach((view, which) => {
      const { text } = this.texts[which], mark = question.marks[which], at = text.indexOf(mark);
      view.querySelector("blockquote").replaceChildren(...(mark
        ? [text.slice(0, at), h("mark", {}, mark), text.slice(at + mark.length)] : [text]));
    });
    const silent = this.texts.filter((_, which) => !question.marks[which]).map(({ name }) => name);
    this.why.replaceChildren(question.because);
    this.say(`Question ${n + 1}: ${silent.length === 2 ? "neither text answers it" : silent.length ? `“${silent[0]}” does not answer it` : "both texts answer it"}.`);
  }

  // --- the calculator ----------------------------------------------------------------------------------------------

  calculator() {
    this.sum = h("div", { class: "t-sum", role: "status" });
    const { longer, pace } = this.savings;
    const guess = ([name, label, source]) => h("fieldset", { class: "t-guess" }, h("legend", {}, label),
      ["from", "to"].map((end, i) => h("label", {}, end, h("input", { type: "number", min: "0.1", step: "any", value: String(this.savings[name][i]),
        "aria-label": `${label}, ${end}`, "data-guess": `${name}${i}`, oninput: ({ target }) => this.guessed(name, i, target) }))), h("small", {}, source));
    const panel = h("div", { class: "t-calculator" }, h("h3", {}, "What is a clearer text worth?"),
      h("p", {}, "“Clearer” takes the author longer, and this one takes each reader longer, too: it has "
        + `${longer} words more, ${Math.round(longer * 60 / pace * 10) / 10} seconds at ${pace} words a minute. It pays for those who would have had to work out what it says. Put in your own lowest and highest guesses.`),
      h("div", { class: "t-guesses" }, GUESSES.map(guess)),
      h("div", { class: "row" }, this.button("Back to the first guesses", () => {
        const { longer: words, pace: speed, ...first } = this.model.get("savings");
        Object.assign(this.savings, JSON.parse(JSON.stringify(first)));
        remember("two-changelogs.savings", null);
        panel.querySelectorAll("input").forEach((input) => {
          const [name, i] = [input.dataset.guess.slice(0, -1), Number(input.dataset.guess.slice(-1))];
          input.value = String(this.savings[name][i]);
        });
        this.reckon();
      })), this.sum);
    this.reckon();
    return panel;
  }

  guessed(name, i, input) {
    const value = Number(input.value);
    const pair = [...this.savings[name]];
    pair[i] = value;
    const problem = !(value > 0) ? "Each guess is a number above 0." : pair[0] > pair[1] ? "The lowest guess is above the highest: exchange them."
      : name === "needing" && value > 100 ? "Of 100 readers, at most 100." : "";
    input.setAttribute("aria-invalid", problem ? "true" : "false");
    if (problem) return this.sum.replaceChildren(h("p", { class: "bad" }, problem));
    this.savings[name] = pair;
    remember("two-changelogs.savings", { ...this.savings });
    this.reckon();
  }

  reckon() {
    const sums = this.savings, worst = sums.worst(), middle = sums.middle(), best = sums.best(), from = sums.paysFrom();
    const chance = Math.round(100 * sums.chance());
    this.sum.replaceChildren(bar(worst, middle, best),
      h("p", {}, "All readers together save ", h("b", {}, inWords(middle)), ` in the middle, ${inWords(worst)} at worst, ${inWords(best)} at best; the author's time is taken off. `
        + `It pays in ${chance} of 100 combinations of the guesses.`),
      h("p", {}, from == null ? "In the middle it pays with no number of readers: reading longer costs more than it gives." : `In the middle it pays from ${Math.ceil(from)} readers on.`));
  }

  button(text, onclick) { return h("button", { type: "button", onclick }, text); }

  say(text) { this.said.textContent = text; }
}

function outcome(questions) {
  const only = [0, 1].map((which) => questions.some(({ marks }) => marks[which] && !marks[1 - which]));
  if (only[0] && only[1]) return EXPECTATIONS[2];
  if (questions.every(({ marks }) => marks[0] && marks[1])) return EXPECTATIONS[0];
  return questions.some(({ marks }) => marks[0] || marks[1]) ? "One text answers more than the other" : EXPECTATIONS[3];
}

/** From the worst to the best case on one line: a root scale, so that a minute and a day both have a place. */
function bar(worst, middle, best) {
  const root = (x) => Math.sign(x) * Math.sqrt(Math.abs(x));
  const low = Math.min(root(worst), 0), high = Math.max(root(best), 0), at = (x) => 10 + 300 * (root(x) - low) / (high - low || 1);
  const text = `From ${inWords(worst)} at worst to ${inWords(best)} at best, ${inWords(middle)} in the middle`;
  return s("svg", { viewBox: "0 0 320 62", class: "t-bar", role: "img", "aria-label": text }, s("title", {}, text),
    s("line", { x1: at(worst), x2: at(best), y1: 24, y2: 24, class: "t-range" }),
    s("line", { x1: at(0), x2: at(0), y1: 8, y2: 40, class: "t-zero" }),
    s("circle", { cx: at(middle), cy: 24, r: 6, class: "t-middle" }),
    s("text", { x: at(0), y: 56, "text-anchor": at(0) < 110 ? "start" : at(0) > 210 ? "end" : "middle" }, "0: it pays to the right"));
}

export default host(TwoTexts);
