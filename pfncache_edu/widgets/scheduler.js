/* You are the scheduler. This module knows nothing about kernels: it looks up what each step does in the tables that
   pfncache_edu/interpreters/tables.py computed with the tested explorer, and draws what it finds. */

// ---- the player: a program as tables, one step at a time (no page needed; the tests run it by itself) ----------------

const QUIET = new Set(["load", "smp_rmb", "smp_wmb", "cond_resched"]);   // steps that change nothing for the others

const BRANCHES = 4;                                // how many schedules that were left are kept

/** ["v", "v", "n"] as "v2 n1". */
function formatted(letters) {
  const runs = [];
  for (const letter of letters) runs.at(-1)?.[0] === letter ? runs.at(-1)[1]++ : runs.push([letter, 1]);
  return runs.map(([letter, steps]) => letter + steps).join(" ");
}

const nameOf = ({ nodes, cells }) => `${nodes}|${cells}`;

export class Player {
  constructor(tables) {
    this.tables = tables;
    this.threads = tables.threads;
    this.letters = Object.fromEntries(tables.threads.map(({ letter }, i) => [letter, i]));
    this.start = { nodes: this.threads.map(() => 0), cells: tables.cells.map(() => 0), event: null };
    this.branches = [];
    this.endless = tables.verdict.broken === "no_endless_loop" ? this.withoutEnd() : new Set();
    this.restart();
  }

  restart() {
    this.states = [this.judged({ ...this.start })];        // every state on the way, so that any of them can be shown again
    this.at = 0;
  }

  get state() { return this.states[this.at]; }
  get wrong() { return this.state.wrong; }
  node(thread, state = this.state) { return this.threads[thread].nodes[state.nodes[thread]]; }
  isDone(thread, state = this.state) { return !this.node(thread, state).verb; }
  move(thread, state = this.state) {
    const node = this.node(thread, state);
    return node.verb ? node.moves[node.cells.map((cell) => state.cells[cell]).join(",")] : 0;
  }
  canRun(thread) { return !this.wrong && this.move(thread) !== 0; }
  matters(thread) { return !this.isDone(thread) && !QUIET.has(this.node(thread).verb); }

  /** Why a thread cannot run, or null. */
  waits(thread, state = this.state) {
    const node = this.node(thread, state);
    if (!node.verb) return "is done";
    if (this.move(thread, state) !== 0) return null;
    const blocker = this.blockers(thread, state)[0];
    if (!blocker) return `waits for ${node.cells.map((cell) => this.tables.cells[cell].name).join(", ")}`;
    const { name, kind } = this.tables.cells[node.cells[0]];
    const who = blocker.thread === thread ? "it holds itself" : `${this.threads[blocker.thread].name} holds`;
    return `waits for ${name}, which ${who}${kind === "rwlock" ? ` for ${blocker.mode}` : ""}`;
  }

  /** Who holds what this thread wants, in a mode that keeps it out. */
  blockers(thread, state = this.state) {
    const { wants } = this.node(thread, state);
    return !wants ? [] : this.holders(wants[0], state).filter(({ mode }) => wants[1] === "write" || mode === "write");
  }

  holders(cell, state = this.state) {
    return this.threads.flatMap((_, thread) => this.node(thread, state).holds
      .filter(([held]) => held === cell).map(([, mode]) => ({ thread, mode })));
  }

  step(thread) {
    if (this.wrong) throw new Error(`the program is broken here (${this.wrong.sentence}): undo, or start again`);
    const reason = this.waits(thread);
    if (reason) throw new Error(`${this.threads[thread].name} cannot run: it ${reason}`);
    if (this.states[this.at + 1]?.event.thread === thread) return this.states[++this.at].event;
    const { state } = this, node = this.node(thread), move = this.move(thread);
    const next = move.wrong ? { ...state, wrong: { sentence: move.wrong, broken: move.broken } } : this.after(state, thread, move);
    next.event = { number: this.at + 1, thread, words: move.words, quiet: QUIET.has(node.verb),
      changed: node.cells.filter((cell) => next.cells[cell] !== state.cells[cell]) };
    if (this.states.length > this.at + 1) this.keep(this.whole, this.states.length - 1);
    this.states.splice(this.at + 1, Infinity, this.judged(next));
    this.at += 1;
    return next.event;
  }

  /** Keep a schedule that is left for another one, the last one first: the reader may want to come back to it. */
  keep(schedule, length) {
    this.branches = [{ schedule, length }, ...this.branches.filter((one) => one.schedule !== schedule)].slice(0, BRANCHES);
  }

  /** A second player in the same state; what is done to it does not reach this one. */
  branch() {
    const copy = Object.assign(Object.create(Player.prototype), this);
    return Object.assign(copy, { states: this.states.slice(0, this.at + 1), branches: [] });
  }

  /** The line of code that a thread is in: its calls, and the line of the innermost one; "" when it is done. */
  line(thread) {
    const { stack } = this.node(thread);
    return stack.length ? JSON.stringify([stack.slice(0, -1), stack.at(-1).slice(0, 2)]) : "";
  }

  /** Let a thread take all steps of the line where it is, as Stepper.run_statement() does. */
  runLine(thread) {
    const here = this.line(thread), done = [], events = [];
    do {
      done.push(JSON.stringify(this.node(thread).stack));
      events.push(this.step(thread));
    } while (!this.wrong && !this.waits(thread) && this.line(thread) === here && !done.includes(JSON.stringify(this.node(thread).stack)));
    return events;
  }

  /** The steps that its line still has, if nobody else runs meanwhile. Nothing happens yet. */
  restOfLine(thread) { return this.canRun(thread) ? this.branch().runLine(thread) : []; }

  after({ nodes, cells }, thread, move) {
    const next = { nodes: [...nodes], cells: [...cells] };
    this.threads[thread].nodes[nodes[thread]].cells.forEach((cell, i) => { next.cells[cell] = move.set[i]; });
    next.nodes[thread] = move.to;
    return next;
  }

  /** The states from which the threads that have an end can no longer all get there. */
  withoutEnd() {
    const into = new Map([[nameOf(this.start), []]]), ends = this.threads.flatMap(({ nodes }, i) => nodes.some(({ verb }) => !verb) ? [i] : []);
    const found = [this.start], good = [];
    for (const state of found) {
      if (ends.every((i) => this.isDone(i, state))) good.push(nameOf(state));
      this.threads.forEach((_, i) => {
        const move = this.move(i, state);
        if (!move || move.wrong) return;
        const next = this.after(state, i, move), name = nameOf(next);
        if (!into.has(name)) { into.set(name, []); found.push(next); }
        into.get(name).push(nameOf(state));
      });
    }
    const bad = new Set(into.keys());
    for (const name of good) if (bad.delete(name)) good.push(...into.get(name));
    return bad;
  }

  /** A state, with what is wrong in it: an invariant, or a deadlock. */
  judged(state) {
    if (state.wrong) return state;
    for (const { name, cells, wrong } of this.tables.invariants) {
      const sentence = wrong[cells.map((cell) => state.cells[cell]).join(",")];
      if (sentence) return Object.assign(state, { wrong: { sentence, broken: name } });
    }
    if (this.endless.has(nameOf(state))) return Object.assign(state, { wrong: { sentence: this.tables.verdict.sentence, broken: "no_endless_loop" } });
    const sentence = this.ring(state) ?? this.standstill(state);
    return sentence ? Object.assign(state, { wrong: { sentence, broken: "no_deadlock" } }) : state;
  }

  /** Who waits for whom in a ring, or for a thread that is done: they can never move again. */
  ring(state) {
    const stuck = new Map(this.threads.map((_, i) => [i, this.blockers(i, state)]).filter(([, by]) => by.length));
    for (let free = [0]; free.length;) {
      free = [...stuck].filter(([, by]) => !by.some(({ thread }) => stuck.has(thread) || this.isDone(thread, state))).map(([i]) => i);
      free.forEach((i) => stuck.delete(i));
    }
    return stuck.size ? [...stuck.keys()].map((i) => `${this.threads[i].name} ${this.waits(i, state)}`).join("; ") : null;
  }

  standstill(state) {
    const reasons = [];
    for (let i = 0; i < this.threads.length; i++) {
      if (this.isDone(i, state)) continue;
      const move = this.move(i, state), node = this.node(i, state);
      if (move && (move.wrong || move.to !== state.nodes[i] || move.set.some((value, k) => value !== state.cells[node.cells[k]]))) return null;
      reasons.push(`${this.threads[i].name} ${move ? "spins for ever" : this.waits(i, state)}`);
    }
    return reasons.length ? `nobody can go on: ${reasons.join("; ")}` : null;
  }

  /** Run a thread up to its next step that others can notice, or until it has to wait. */
  runOn(thread) {
    do this.step(thread); while (this.canRun(thread) && !this.matters(thread));
  }

  get events() { return this.states.slice(1, this.at + 1).map(({ event }) => event); }

  get schedule() { return formatted(this.events.map(({ thread }) => this.threads[thread].letter)); }

  /** The thread of each step of a schedule such as "n11 v20 n5". */
  parse(text) {
    return text.trim().split(/[\s_]+/).filter(Boolean).flatMap((word) => {
      const [, letter, steps] = word.match(/^([a-z])(\d{0,5})$/) ?? [];
      if (!(letter in this.letters)) {
        const known = this.threads.map((t) => `${t.letter} = ${t.name}`).join(", ");
        throw new Error(`“${word}” is not a part of a schedule: write a letter and a number of steps, such as ${this.threads[0].letter}3 (${known})`);
      }
      return Array(steps ? Number(steps) : 1).fill(this.letters[letter]);
    });
  }

  /** The whole schedule, with the steps that were undone and could be redone. */
  get whole() { return formatted(this.states.slice(1).map(({ event }) => this.threads[event.thread].letter)); }

  /** Start again and run a schedule; an Error says at which step it could not go on, and leaves what could be run. */
  play(text) {
    const threads = this.parse(text), before = this.whole, length = this.states.length - 1;
    this.restart();
    for (const thread of threads) {
      try { this.step(thread); } catch (error) { throw new Error(`step ${this.at + 1}: ${error.message}`); }
    }
    this.branches = this.branches.filter(({ schedule }) => schedule !== this.whole);
    if (before && !`${this.whole} `.startsWith(`${before} `)) this.keep(before, length);
  }
}

// ---- the page --------------------------------------------------------------------------------------------------------

const counted = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
const MODEL = "In this model every CPU sees stores in one order, barriers only mark their place, and the host’s memory management is a table.";

class Game {
  constructor(model, el) {
    Object.assign(this, { model, el, all: unshare(model.get("data")), levels: model.get("levels"), fine: false, expanded: false, pending: "" });
    this.id = `pfn${Math.random().toString(36).slice(2, 8)}`;
    this.root = h("section", { class: "pfn-play pfn-scheduler", "aria-label": "You are the scheduler", "data-lm-suppress-shortcuts": "true",
      onkeydown: (event) => this.key(event) });
    this.live = h("p", { class: "s-live", role: "status" });
    this.recall();
    this.open(model.get("level"), model.get("schedule"));
    const unhear = [hear(model, ["level"], () => this.leveled(), () => this.fromLink()), hear(model, ["schedule"], () => this.scheduled())];
    this.unhear = () => unhear.forEach((stop) => stop());
    el.append(this.root);
    this.fromLink();
  }

  close() {
    this.unhear();
    this.root.remove();
  }

  // -- what is remembered: in the model, and for the book's own levels in this browser

  get key_() { return this.levels[this.level].name; }
  get predicted() { return this.model.get("predictions")[this.key_]; }
  get claimed() { return this.model.get("claims")[this.key_]; }
  get found() { return this.model.get("found")[this.key_]; }
  get hinted() { return this.model.get("hints")[this.key_] ?? 0; }
  get breakable() { return this.tables.verdict.outcome !== "holds"; }
  /** Whether this is a level of a published page, which a link can open again. */
  get lasting() { return this.levels[this.level].stored && !("jpThemeName" in document.body.dataset); }
  get mayPlay() { return !this.model.get("predict") || Boolean(this.predicted); }

  recall() {
    for (const trait of ["predictions", "claims", "found", "hints"]) {
      const known = {};
      for (const { name, stored } of this.levels) {
        try { if (stored) Object.assign(known, JSON.parse(localStorage.getItem(`pfncache.scheduler.${trait}.${name}`) ?? "{}")); } catch { /* private window */ }
      }
      if (Object.keys(known).length) this.model.set(trait, { ...known, ...this.model.get(trait) });
    }
    this.model.save_changes();
  }

  remember(trait, value) {
    const name = this.key_;
    this.model.set(trait, { ...this.model.get(trait), [name]: value });
    this.model.save_changes();
    try { if (this.levels[this.level].stored) localStorage.setItem(`pfncache.scheduler.${trait}.${name}`, JSON.stringify({ [name]: value })); } catch { /* private window */ }
  }

  // -- links: #play=NAME~LEVEL~v2_n14_v2

  get link() {
    return `#play=${this.model.get("name")}~${this.key_}~${this.player.schedule.replaceAll(" ", "_")}`;
  }

  fromLink() {
    let parts;
    try { parts = decodeURIComponent(location.hash).match(/^#play=([^~]*)~([^~]*)~([^~]*)$/); } catch { return; }
    const level = parts && parts[1] === this.model.get("name") ? this.levels.findIndex(({ name }) => name === parts[2]) : -1;
    if (level < 0) return;
    this.open(level, parts[3]);
    this.root.scrollIntoView?.({ block: "start" });
  }

  leveled() { if (this.model.get("level") !== this.level) this.open(this.model.get("level"), ""); }

  scheduled() {
    const text = this.model.get("schedule");
    if (text === this.player.schedule || text === this.pending) return;
    this.mayPlay ? this.load(text) : this.open(this.level, text);
  }

  // -- what the reader can do

  open(level, schedule = "") {
    this.level = level;
    this.tables = { ...this.all.levels[level], files: this.all.files };
    this.player = new Player(this.tables);
    this.proof = this.refuted = false;
    this.pending = this.mayPlay ? "" : schedule;
    if (this.model.get("level") !== level) {
      this.model.set("level", level);
      this.model.save_changes();
    }
    this.build();
    if (schedule && this.mayPlay) this.load(schedule);
    else this.update("");
  }

  load(text) {
    let trouble = "";
    try { this.player.play(text); } catch (error) { trouble = error.message; }
    this.update(trouble ? `This schedule stops early. ${trouble}` : this.told());
    return !trouble;
  }

  predict(what) {
    this.remember("predictions", what);
    const pending = this.pending;
    this.pending = "";
    this.build();
    if (pending) this.load(pending);
    else this.update("Your prediction is recorded. Choose who runs.");
    this.columns[0].one.focus();
  }

  run(thread, how) {
    const { player } = this;
    if (!this.mayPlay) return this.say("First say what you expect: can this be broken?");
    if (player.wrong) return this.say("It is broken here already. Undo, or start again.");
    const reason = player.waits(thread);
    if (reason) return this.say(`${player.threads[thread].name} cannot run: it ${reason}.`);
    const before = player.at;
    how === "on" ? player.runOn(thread) : how === "line" ? player.runLine(thread) : player.step(thread);
    this.update(this.told(player.at - before));
  }

  goTo(at) {
    if (at < 0 || at >= this.player.states.length) return;
    this.player.at = at;
    this.update(at ? `Back to: ${this.told()}` : "At the start.");
  }

  /** The last step in words, and what can happen next. */
  told(steps = 1) {
    const { player } = this, { event } = player.state;
    if (!event) return "At the start.";
    const text = `Step ${event.number}${steps > 1 ? `, ${steps} steps on` : ""}, ${player.threads[event.thread].name}: ${event.words}.`;
    if (player.wrong) return `${text} Broken: ${player.wrong.sentence}.`;
    const can = player.threads.filter((_, i) => player.canRun(i)).map(({ name }) => name);
    const blocked = player.threads.map((t, i) => [t, i]).filter(([, i]) => !player.isDone(i) && !player.canRun(i))
      .map(([{ name }, i]) => `${name} ${player.waits(i)}`);
    return `${text} ${can.length ? `${can.join(" and ")} can run.` : "Everybody is done, and nothing went wrong."}${blocked.length ? ` ${blocked.join("; ")}.` : ""}`;
  }

  claim() {
    this.remember("claims", "holds");
    this.refuted = this.breakable;
    this.update(this.breakable ? "That is not so." : "That is right.");
    this.result.focus();
  }

  hint() {
    this.remember("hints", Math.min(this.hinted + 1, 3));
    this.update("");
    this.hintBox.focus();
  }

  prove() {
    this.proof = true;
    this.update(this.proofText());
  }

  proofText() {
    const { outcome, states, steps } = this.tables.verdict;
    const when = this.lasting ? "when this page was built" : "when this widget was made";
    return outcome === "holds"
      ? `It holds: ${counted(states, "state")}, all of them. Every order of steps was searched ${when}, and none goes wrong.`
      : `It does not hold: the search that ran ${when} met a schedule of ${counted(steps, "step")} that breaks it, after ${counted(states, "state")}.`;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation();                        // a notebook has letters of its own
    if (event.target.closest("input:not([type=range]):not([type=checkbox]), textarea, select")) return;
    const key = event.key.toLowerCase(), { player } = this;
    const act = key in player.letters ? () => this.run(player.letters[key], event.shiftKey ? "on" : "step")
      : key === "u" || key === "backspace" ? () => this.goTo(player.at - 1)
      : key === "r" ? () => this.goTo(player.at + 1)
      : key === "home" ? () => this.goTo(0)
      : key === "end" ? () => this.goTo(player.states.length - 1) : null;
    if (!act) return;
    event.preventDefault();
    act();
  }

  say(text) { this.live.textContent = text; }

  // -- drawing: `build` makes what stays the same in a level, `update` shows the state

  build() {
    const { player, levels } = this, level = levels[this.level];
    const play = this.mayPlay;
    const button = (label, onclick, more = {}) => h("button", { type: "button", onclick, ...more }, label);
    this.columns = player.threads.map((thread, i) => this.column(thread, i, button));
    this.scrub = h("input", { type: "range", min: "0", max: "0", value: "0", id: `${this.id}-scrub`, oninput: () => this.goTo(Number(this.scrub.value)) });
    this.position = h("output", { for: `${this.id}-scrub` });
    this.tip = h("p", { class: "s-tip" });
    this.undo = button("Undo", () => this.goTo(player.at - 1));
    this.redo = button("Redo", () => this.goTo(player.at + 1));
    this.home = button("Start again", () => this.goTo(0));
    this.share = h("input", { type: "text", id: `${this.id}-share`, spellcheck: "false", autocomplete: "off", autocapitalize: "off",
      onkeydown: (event) => { if (event.key === "Enter") { event.preventDefault(); loadIt(); } } });
    const loadIt = () => { if (this.mayPlay && this.load(this.share.value)) this.share.focus(); };
    const copy = async (text, what) => {
      try { await navigator.clipboard.writeText(text); this.say(`${what} copied.`); }
      catch { this.share.select(); this.say("This browser does not let a page copy: the schedule is selected, copy it yourself."); }
    };
    this.others = h("div", { class: "row s-others", role: "group", "aria-label": "Schedules that you left for another one" });
    this.anchor = h("a", { class: "s-link" }, "Link to this schedule");
    this.result = h("div", { class: "s-result", tabindex: "-1", hidden: true });
    this.hintBox = h("div", { class: "s-hints", tabindex: "-1" });
    this.cells = h("div", { class: "s-cells" });
    this.diagram = h("div", { class: "s-diagram", tabindex: "0", role: "region", "aria-label": "The schedule so far, one column per CPU" });
    this.hintButton = button("Hint", () => this.hint());
    const select = h("select", { id: `${this.id}-level`, onchange: () => this.choose(Number(select.value)) },
      levels.map((one, i) => h("option", { value: String(i), "data-level": one.name, selected: i === this.level }, `${i + 1}. ${one.title}`)));
    const fine = h("input", { type: "checkbox", checked: this.fine, onchange: () => { this.fine = fine.checked; this.update(""); } });
    this.root.replaceChildren(...[
      h("header", {},
        levels.length > 1 ? h("div", { class: "row" }, h("label", { for: `${this.id}-level` }, "Level"), select,
          button("Next level", () => this.choose((this.level + 1) % levels.length))) : "",
        h("p", { class: "s-title" }, levels.length > 1 ? "" : h("strong", {}, `${level.title}. `), level.situation === level.title ? "" : `${level.situation}. `,
          level.difference ? h("b", {}, withCode(`${level.difference}.`)) : ""),
        h("p", { class: "s-goal" }, h("b", {}, "Your goal: "), `${level.goal}. Or claim that no schedule can.`)),
      play ? "" : h("fieldset", { class: "s-predict" }, h("legend", {}, "Predict first"),
        h("p", {}, `Is there an order of steps that breaks it? Your answer stays in this browser, and you will meet it again.${this.pending ? " Then the schedule of the link is run." : ""}`),
        h("div", { class: "row" }, button("Yes, some order breaks it", () => this.predict("breaks"), { class: "s-big" }),
          button("No, no order does", () => this.predict("holds"), { class: "s-big" }))),
      h("div", { class: "s-columns", style: `--columns:${player.threads.length}` }, this.columns.map(({ box }) => box)),
      this.tip, this.live, this.result,
      play ? h("div", { class: "row s-time" }, this.undo, this.redo, this.home, h("label", { for: `${this.id}-scrub` }, "Step"), this.scrub, this.position) : "",
      play ? this.others : "",
      play ? h("div", { class: "s-views" },
        h("div", {}, h("h3", {}, "Schedule"), this.diagram, h("label", { class: "s-check" }, fine, "Show every step, not only those that others can notice")),
        h("div", {}, h("h3", {}, "Shared state"), this.cells)) : "",
      play ? h("div", { class: "row s-end" },
        button("Claim: no schedule breaks this", () => this.claim()), this.hintButton,
        button("Prove it: search every schedule", () => this.prove())) : "",
      play ? this.hintBox : "",
      play ? h("div", { class: "row s-share" }, h("label", { for: `${this.id}-share` }, "Schedule as text"), this.share, button("Load", loadIt),
        button("Copy", () => copy(this.share.value, "The schedule is")), this.lasting ? this.anchor : "") : "",
      h("details", {}, h("summary", {}, "Keys, and how this works"),
        h("ul", {}, player.threads.map(({ name, letter }) => h("li", {}, h("kbd", {}, letter), ` runs one step of ${name}, `, h("kbd", {}, `Shift+${letter}`), " runs it on")),
          h("li", {}, h("kbd", {}, "Backspace"), " or ", h("kbd", {}, "u"), " undoes a step, ", h("kbd", {}, "r"), " redoes it, ", h("kbd", {}, "Home"), " and ", h("kbd", {}, "End"), " go to the start and the end of the schedule. The keys work while the focus is in this frame, not in its text field.")),
        h("p", {}, "One step is one access to shared memory. “Run on” stops before the next step that another CPU can notice: a lock, a store, a write to the guest; or when the CPU has to wait. A line of code that is more than one step is expanded below the source. Step back and run something else, and the schedule branches there: the one you left is kept until you open another level."),
        h("p", {}, MODEL)),
    ].filter((part) => part !== ""));
  }

  choose(level) {
    this.open(level);
    this.root.querySelector("select").focus();
  }

  column(thread, i, button) {
    const column = {};
    column.one = button("Run 1 step", () => this.run(i, "step"), { class: "s-big", "aria-label": `Run 1 step of ${thread.name}` });
    column.whole = button("Run the line", () => this.run(i, "line"), { "aria-label": `Run the line of ${thread.name}` });
    column.on = button("Run on", () => this.run(i, "on"), { class: "s-big", "aria-label": `Run on ${thread.name}` });
    column.state = h("p", { class: "s-state" });
    column.next = h("p", { class: "s-next" });
    column.ladder = h("ol", { class: "s-ladder" });
    column.calls = h("p", { class: "s-calls" });
    column.code = h("pre", { class: "s-code", tabindex: "0", role: "region", "aria-label": `Source that ${thread.name} runs` });
    column.line = h("details", { class: "s-statement", open: this.expanded, ontoggle: () => { this.expanded = column.line.open; } }, h("summary"), h("ol"), column.whole);
    column.box = h("section", { class: "s-cpu", "data-cpu": String(i), "aria-label": `CPU ${i}, ${thread.name}` },
      h("h3", {}, h("span", { class: "s-key" }, thread.letter), ` CPU ${i}: ${thread.name}`), column.state, column.next,
      h("div", { class: "row" }, column.one, column.on), column.ladder, column.calls, column.code, column.line);
    return column;
  }

  update(text) {
    const { player } = this;
    this.columns.forEach((column, i) => { this.showColumn(column, i); this.showLine(column, i); });
    if (this.mayPlay) {
      this.scrub.max = String(player.states.length - 1);
      this.scrub.value = String(player.at);
      this.scrub.setAttribute("aria-valuetext", `step ${player.at} of ${player.states.length - 1}`);
      this.position.textContent = `${player.at} of ${player.states.length - 1}`;
      this.able(this.undo, player.at > 0);
      this.able(this.home, player.at > 0);
      this.able(this.redo, player.at < player.states.length - 1);
      this.share.value = player.schedule;
      this.anchor.href = this.link;
      this.showCells();
      this.showDiagram();
      this.showBranches();
      this.showHints();
      if (player.wrong) {
        this.refuted = false;
        const steps = (schedule) => player.parse(schedule).length;
        if (!this.found || steps(this.found) > player.at) this.remember("found", player.schedule);
      }
    }
    this.showResult();
    this.tip.textContent = this.coach();
    this.say(text.replaceAll(" -> ", " → "));
    if (this.mayPlay && this.model.get("schedule") !== player.schedule) {
      this.model.set("schedule", player.schedule);
      this.model.save_changes();
    }
  }

  /** `disabled` would take the focus away from the reader's finger; this only says that it does nothing. */
  able(button, can) { button.setAttribute("aria-disabled", String(!can)); }

  /** The line of code, expanded into its steps; one that is a single step needs no telling. */
  showLine({ line }, i) {
    const steps = this.mayPlay ? this.player.restOfLine(i) : [], [summary, list] = line.children;
    line.hidden = steps.length < 2;
    summary.textContent = `This line: ${steps.length} steps left`;
    list.replaceChildren(...steps.map(({ words }) => h("li", {}, soft(words))));
  }

  showColumn({ box, one, on, state, next, ladder, calls, code }, i) {
    const { player } = this, node = player.node(i), reason = player.waits(i);
    const kind = player.wrong ? "stopped" : !node.verb ? "done" : reason ? "blocked" : "ready";
    box.dataset.state = kind;
    state.textContent = { stopped: "■ stopped: it is broken", done: "✓ is done", blocked: `‖ blocked: ${reason}`, ready: "▶ can run" }[kind];
    next.replaceChildren(...(node.verb ? [h("b", {}, "Next: "), soft(node.words.replace(/ -> …$/, ""))].flat() : ["Nothing left to do."]));
    for (const button of [one, on]) this.able(button, this.mayPlay && kind === "ready");
    const [name, rung] = node.subgoal ?? [];
    ladder.hidden = !name;
    ladder.setAttribute("aria-label", `Plan: ${name}`);
    ladder.replaceChildren(...(name ? this.all.ladders[name].map((label, k) => h("li", k === rung ? { "aria-current": "step" } : {}, label)) : []));
    const files = this.tables.files;
    calls.textContent = node.stack.map(([file]) => `${files[file].function}()`).join(" › ");
    code.hidden = !node.verb;
    if (!node.verb) return;
    const [file, line, column, end] = node.stack.at(-1), { first, lines, file: path, function: called } = files[file];
    calls.title = `${path}, line ${line}`;
    code.replaceChildren(...lines.map((source, k) => {
      if (first + k !== line) return h("span", { class: "s-line" }, source + "\n");
      const from = column - 1, to = end > column ? end - 1 : source.length;
      return h("span", { class: "s-line s-here" }, source.slice(0, from), h("mark", {}, source.slice(from, to)), source.slice(to) + "\n");
    }));
    code.setAttribute("aria-label", `${called}(), ${path}: ${player.threads[i].name} is at line ${line}`);
    const here = code.querySelector(".s-here");
    if (!here) return;
    const mark = here.querySelector("mark");
    code.scrollTop = here.offsetTop - code.clientHeight / 2;
    code.scrollLeft = mark.offsetLeft > code.clientWidth / 2 ? mark.offsetLeft - code.clientWidth / 3 : 0;
  }

  /** Each lock with the variables that it guards below it, as the kernel's structs group them. */
  showCells() {
    const { player } = this, { cells } = this.tables, { state } = player;
    const before = player.states[player.at - 1], changed = new Set(state.event?.changed);
    const value = (cell, at = state) => cells[cell].values[at.cells[cell]];
    const isLock = (cell) => cells[cell].kind !== "data", numbers = cells.map((_, i) => i);
    const holding = (cell) => player.holders(cell).map(({ thread, mode }) =>
      `held by ${player.threads[thread].name}${cells[cell].kind === "rwlock" ? ` for ${mode}` : ""}`).join(", ") || "free";
    const row = (i, title) => h("tr", { class: (isLock(i) ? "s-lock" : "") + (changed.has(i) ? " s-changed" : "") },
      h("th", { scope: "row", title }, soft(cells[i].name)), h("td", {}, isLock(i) ? holding(i) : value(i),
        changed.has(i) ? h("small", {}, isLock(i) ? " ◆ changed" : ` ◆ was ${value(i, before)}`) : ""));
    const guarded = numbers.filter(isLock).map((lock) => [row(lock, cells[lock].kind),
      ...numbers.filter((i) => cells[i].guard === cells[lock].name).map((i) => row(i, `guarded by ${cells[lock].name}`))]);
    const free = numbers.filter((i) => !isLock(i) && !cells.some(({ name }) => name === cells[i].guard)).map((i) => row(i, "guarded by no lock"));
    const heads = (text) => h("tr", {}, h("th", { scope: "col" }, text), h("th", { scope: "col" }, "now"));
    this.cells.replaceChildren(h("table", {}, h("thead", {}, heads("lock, and what it guards")),
      guarded.map((rows) => h("tbody", {}, rows)),
      free.length ? h("tbody", {}, h("tr", { class: "s-lock" }, h("td", { colspan: "2" }, "guarded by no lock")), free) : ""));
  }

  showBranches() {
    const { branches } = this.player;
    this.others.hidden = !branches.length;
    this.others.replaceChildren("Left for this one: ", ...branches.map(({ schedule, length }) =>
      h("button", { type: "button", onclick: () => { this.load(schedule); this.scrub.focus(); }, "aria-label": `Go back to ${schedule}, ${counted(length, "step")}` }, h("code", {}, schedule))));
  }

  showDiagram() {
    const { player } = this, rows = [];
    for (const event of player.events) {
      const last = rows.at(-1);
      if (!this.fine && event.quiet && last?.quiet && last.thread === event.thread && event.number !== player.at) last.more.push(event);
      else rows.push({ ...event, more: [event] });
    }
    const words = ({ more }) => soft(more.length === 1 ? more[0].words
      : more.slice(0, 3).map(({ words }, k) => k ? words.replace(/^reads /, "") : words).join(", ") + (more.length > 3 ? `, … (${more.length} steps)` : ""));
    this.diagram.replaceChildren(rows.length ? h("table", {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "#"), player.threads.map(({ name }, i) => h("th", { scope: "col", "data-cpu": String(i) }, `CPU ${i}: ${name}`)))),
      h("tbody", {}, rows.map((row) => h("tr", row.number === player.at ? { class: "s-now" } : {}, h("td", {}, String(row.more.at(-1).number)),
        player.threads.map((_, i) => h("td", { "data-cpu": String(i), class: i === row.thread ? (row.quiet ? "s-quiet" : "s-loud") : "" }, i === row.thread ? words(row) : "")))),
        player.wrong ? h("tr", { class: "s-wrong" }, h("td", {}, "✗"), h("td", { colspan: String(player.threads.length) }, player.wrong.sentence)) : ""))
      : h("p", { class: "s-empty" }, "Nobody has run yet. Time goes downwards here, one column per CPU."));
    this.diagram.scrollTop = this.diagram.scrollHeight;
  }

  /** For those who are new, in the first level: what to look at now. */
  coach() {
    const { player } = this, named = (test) => player.threads.find((_, i) => test(i))?.name;
    if (!this.mayPlay) return "Each column is a CPU that is about to take its first step. They run once you have predicted.";
    if (player.wrong) return "";
    if (player.at === 0) return `Run a CPU, and watch what the other one may still do.${this.found ? ` You broke this level before, with ${this.found}.` : ""}`;
    if (this.level) return "";
    if (player.threads.every((_, i) => player.isDone(i))) return "Everybody is done, and nothing went wrong in this order. Step back, and switch to the other CPU somewhere else.";
    const blocked = named((i) => !player.isDone(i) && !player.canRun(i));
    if (blocked) return `${blocked} has to wait: that is what a lock is for. Run the other CPU until it lets go.`;
    const using = named((i) => { const node = player.node(i); return node.subgoal?.join() === "user,2" && node.verb !== "read_unlock"; });
    return using ? `${using} has checked, and will now use what it checked. What must not happen in between?` : "Whenever you like, switch to the other CPU.";
  }

  confront(breaks) {
    if (!this.predicted) return "";
    const right = (this.predicted === "breaks") === breaks;
    return h("p", {}, `You predicted that ${this.predicted === "breaks" ? "some order breaks it" : "no order breaks it"}. ${right ? "So it is." : `It is the other way round: ${breaks ? "some order does" : "none does"}.`}`);
  }

  showResult() {
    const { player, result } = this, { verdict } = this.tables, parts = [];
    if (player.wrong) {
      const best = player.at <= verdict.steps ? "the shortest possible" : `the shortest needs ${verdict.steps}`;
      const { chance } = verdict;
      parts.push(h("p", { class: "s-verdict" }, h("b", {}, { no_deadlock: "✗ Deadlock. ", no_endless_loop: "✗ It never ends. " }[player.wrong.broken] ?? "✗ You broke it. "), `${player.wrong.sentence}.`),
        h("p", {}, `${counted(player.at, "step")}${player.at <= verdict.steps ? ", " : "; "}${best}.`),
        chance ? h("p", {}, `By chance: ${chance.text}. ${chance.runs > 1 ? `It takes ${chance.runs.toLocaleString("en")} random runs to meet a failure with 95 % confidence.` : ""}`) : "", this.confront(true));
    } else if (this.mayPlay && (this.proof || this.claimed && !this.breakable)) {
      parts.push(h("p", { class: "s-verdict" }, h("b", {}, this.breakable ? "✗ " : this.claimed ? "✓ Right. " : "✓ "), this.proofText()),
        this.confront(this.breakable), h("p", { class: "s-model" }, MODEL));
    } else if (this.refuted) {
      parts.push(h("p", { class: "s-verdict" }, h("b", {}, "✗ Wrong. "), `There is a schedule with ${counted(verdict.steps, "step")} that breaks it. Go on looking, or open a hint.`));
    }
    result.replaceChildren(...parts.filter((part) => part !== ""));
    const news = result.hidden && parts.length;
    result.hidden = !parts.length;
    if (news) result.scrollIntoView?.({ block: "nearest" });
    result.dataset.kind = player.wrong || this.refuted ? "wrong" : this.breakable ? "wrong" : "right";
  }

  showHints() {
    const { verdict } = this.tables, { player, hinted } = this, runs = verdict.schedule.split(" ");
    const property = this.tables.program.properties.find(({ name }) => name === verdict.broken)?.meaning ?? "everybody comes to an end: nobody waits or loops for ever";
    const own = this.levels[this.level].hint;
    const texts = !this.breakable ? [...(own ? [[own]] : []), ["There is nothing to find here: no schedule breaks it. Claim it, and see how many states say so."]] : [
      [`What can be broken: ${property}.`, own ? ` ${own}` : ""],
      [`The shortest schedule begins `, h("code", {}, runs.slice(0, -1).join(" ") || "…"), `, then one CPU runs on until it goes wrong.`],
      [`All of it: `, h("code", {}, verdict.schedule), " ", h("button", { type: "button", onclick: () => { this.load(verdict.schedule); this.scrub.focus(); } }, "Load it, and scrub")]];
    const open = Math.min(hinted, texts.length);
    this.hintButton.textContent = open < texts.length ? `Hint ${open + 1} of 3` : "No more hints";
    this.able(this.hintButton, open < texts.length);
    this.hintBox.hidden = !open;
    this.hintBox.replaceChildren(h("ol", {}, texts.slice(0, open).map((parts) => h("li", {}, parts))));
  }
}

export default host(Game);
