/* How far the reader is: from what this browser remembers and what a notebook's own checks have left. */

class YourProgress {
  constructor(model, el) {
    this.model = model;
    this.root = h("section", { class: "pfn-play pfn-progress", "aria-label": "Your progress", "data-lm-suppress-shortcuts": "true" });
    this.said = h("p", { role: "status" });
    this.changed = () => this.draw();
    addEventListener("pfn-record", this.changed);
    el.append(this.root);
    this.draw();
  }

  close() {
    removeEventListener("pfn-record", this.changed);
    this.root.remove();
  }

  /** The better of what the browser and the notebook know of an exercise. */
  entry(id) {
    const [here, there] = [recall("record", {})[id] ?? {}, this.model.get("record")[id] ?? {}];
    return { best: Math.max(here.best ?? 0, there.best ?? 0), checks: (here.checks ?? 0) + (there.checks ?? 0),
             hints: Object.keys({ ...here.hints, ...there.hints }).sort() };
  }

  draw() {
    const exercises = this.model.get("exercises"), entries = exercises.map(([id]) => this.entry(id));
    const best = entries.reduce((sum, { best }) => sum + best, 0), all = exercises.reduce((sum, [, , points]) => sum + points, 0);
    this.said.textContent = `${best} of ${all} points; ${exercises.filter(([, , points], i) => entries[i].best >= points).length} of ${exercises.length} exercises have all of theirs.`;
    this.root.replaceChildren(
      h("h2", { class: "p-title" }, "Your progress"), this.said,
      h("div", { class: "scrolls", tabindex: "0", role: "group", "aria-label": "Exercises and points" }, h("table", {},
        h("thead", {}, h("tr", {}, ["Exercise", "Best", "Checks", "Hints"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, exercises.map((exercise, i) => this.row(exercise, entries[i]))))),
      this.surprises(),
      h("div", { class: "row" },
        h("button", { type: "button", onclick: () => this.take() }, "Take it along as a file"),
        h("button", { type: "button", onclick: () => this.forget() }, "Forget all of it")),
      h("small", {}, "This is in your browser and nowhere else. Nothing is sent, unless you take the file and hand it to somebody."));
  }

  row([id, title, points], { best, checks, hints }) {
    return h("tr", {}, h("th", { scope: "row" }, `${id} ${title}`),
      h("td", {}, h("progress", { max: points, value: best, "aria-label": `${id}: ${best} of ${points} points` }), ` ${best} of ${points}`),
      h("td", {}, String(checks)), h("td", {}, hints.join(", ")));
  }

  surprises() {
    const all = Object.values(recall("confronted", {})), wrong = all.filter(({ answer, outcome }) => answer !== outcome);
    if (!all.length) return h("p", {}, "Your predictions appear here when their chapters have confronted them.");
    return h("details", { open: wrong.length > 0 }, h("summary", {}, `What surprised you: ${wrong.length} of ${all.length} predictions`),
      h("ul", {}, wrong.map(({ question, answer, outcome }) => h("li", {}, withCode(question), " You said: ", h("b", {}, withCode(answer)), ". It is: ", h("b", {}, withCode(outcome)), "."))));
  }

  take() {
    const data = { record: Object.fromEntries(this.model.get("exercises").map(([id]) => [id, this.entry(id)])), predictions: recall("confronted", {}) };
    const link = h("a", { href: URL.createObjectURL(new Blob([JSON.stringify(data, null, 1)], { type: "application/json" })), download: "pfncache-progress.json" });
    link.click();
    URL.revokeObjectURL(link.href);
    this.said.textContent = "Saved as pfncache-progress.json.";
  }

  forget() {
    if (!confirm("Forget points, predictions and games of this book in this browser?")) return;
    for (const key of Object.keys(localStorage).filter((key) => key.startsWith("pfncache."))) localStorage.removeItem(key);
    this.draw();
    this.said.textContent = "This browser has forgotten all of it.";
  }
}

export default host(YourProgress);
