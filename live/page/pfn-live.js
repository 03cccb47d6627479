/* Brings a published page to life: draws its widgets from the state that the build embedded, and gives cells tagged
   `live` an editor. Python (one worker per page) starts only when a reader asks for something that needs it. */
"use strict";
(() => {
  const script = document.currentScript;
  const runtime = script.dataset.runtime && new URL(script.dataset.runtime, script.src).href;

  /** An element with attributes, properties that start with "on", and children. */
  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes))
      name.startsWith("on") ? (made[name] = value) : made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  // ---- Python --------------------------------------------------------------------------------------------------------

  const python = {
    worker: null,
    status: "off",                       // off, starting, live, failed
    detail: "",
    watchers: new Set(),                 // told when the status changes
    running: null,                       // the cell that is running: { show(message), finish(outcome) }

    post(message) {
      if (!this.worker) this.start();
      this.worker?.postMessage(message);
    },

    start() {
      if (!runtime) return this.becomes("failed", `this copy of the book was built without it (${script.dataset.whyNot})`);
      if (location.protocol === "file:")
        return this.becomes("failed", "a browser runs it only for pages from a server: run `make book` and open the address it prints");
      this.becomes("starting");
      this.worker = new Worker(runtime + "worker.mjs", { type: "module" });
      this.worker.onmessage = ({ data }) => this.receive(data);
      this.worker.onerror = (event) => this.fail(event.message || "its files could not be loaded");
    },

    fail(reason) {
      this.end("failed", reason);
    },

    /** End the worker at once, whatever it is doing; the next message starts a new one. */
    end(status, detail = "") {
      this.worker?.terminate();
      this.worker = null;
      for (const model of models.values()) model.opened = false;
      for (const cell of cells) cell.ran = false;
      const running = this.running;
      this.running = null;
      this.becomes(status, detail);
      running?.finish(status === "failed" ? "failed" : "stopped");
    },

    becomes(status, detail = "") {
      Object.assign(this, { status, detail });
      Object.assign(document.documentElement.dataset, { pfnPython: status, pfnPythonDetail: detail });
      for (const watcher of this.watchers) watcher();
    },

    receive(message) {
      switch (message.type) {
        case "started": return this.becomes("live", message.snapshot ? "from its snapshot" : "without its snapshot");
        case "failed": return this.fail(message.reason);
        case "stream": case "display": return this.running?.show(message);
        case "done": { const { running } = this; this.running = null; return running?.finish(message.ok ? "ok" : "error"); }
        case "comm_open": return openedByPython(message);
        case "comm_msg": return models.get(message.comm_id)?.hear(message.data);
        case "record": return keepRecord(message.record);
        case "widget_error": return models.get(message.model_id)?.say(`Python could not answer: ${message.reason}`);
      }
    },

    sentence() {
      return { off: "", starting: "Python is starting…", live: "Python is running in this page.",
               failed: `Python could not start: ${this.detail}.` }[this.status];
    },
  };

  // ---- widgets -------------------------------------------------------------------------------------------------------

  const models = new Map();
  const modules = new Map();             // one import for all widgets with the same source

  /** A widget's state, with the interface that its module expects of any host. */
  class Model {
    constructor(id, state) {
      Object.assign(this, { id, state, opened: false, changed: new Set(), callbacks: new Map(), say: () => {} });
      this.widget_manager = { get_model: async (other) => models.get(other.replace("IPY_MODEL_", "")) };
    }
    get(name) { return this.state[name]; }
    set(name, value) {
      if (typeof name === "object") { for (const [key, one] of Object.entries(name)) this.set(key, one); return; }
      if (this.state[name] === value) return;
      this.state[name] = value;
      this.changed.add(name);
      this.emit(`change:${name}`, { changed: { [name]: value } }, value);
      this.emit("change", { changed: { [name]: value } });
    }
    on(names, callback) {
      for (const name of names.split(/\s+/)) (this.callbacks.get(name) ?? this.callbacks.set(name, new Set()).get(name)).add(callback);
    }
    off(names, callback) {
      if (names == null) return this.callbacks.clear();
      for (const name of names.split(/\s+/)) callback ? this.callbacks.get(name)?.delete(callback) : this.callbacks.delete(name);
    }
    once(name, callback) {
      const first = (...values) => { this.off(name, first); callback(...values); };
      this.on(name, first);
    }
    emit(name, ...values) { for (const callback of [...(this.callbacks.get(name) ?? [])]) callback(...values); }

    /** A widget that needs no Python keeps its state here, and never starts any. */
    save_changes() {
      const state = Object.fromEntries([...this.changed].map((name) => [name, this.state[name]]));
      this.changed.clear();
      if (this.state._needs_python && Object.keys(state).length) this.tell({ method: "update", state, buffer_paths: [] });
    }
    send(content) {
      if (!this.state._needs_python) throw new Error("this widget sends messages to Python: its class has to say needs_python = True");
      this.tell({ method: "custom", content });
    }
    tell(data) {
      if (!this.opened) {
        this.opened = true;
        python.post({ type: "open", model_id: this.id, class_path: this.state._anywidget_id, params: this.state._params });
      }
      python.post({ type: "tell", model_id: this.id, data });
    }
    hear(data) {
      if (data.method === "custom") this.emit("msg:custom", data.content, []);
      if (data.method === "update") this.take(data.state);          // an echo would bring back what has changed since
    }
    /** Values from Python: told to the widget, but not sent back. */
    take(state) {
      for (const [name, value] of Object.entries(state)) {
        const pending = this.changed.has(name);
        if (pending || JSON.stringify(value) === JSON.stringify(this.state[name])) continue;
        this.set(name, value);
        this.changed.delete(name);
      }
    }
  }

  function openedByPython({ comm_id, data }) {
    const known = models.get(comm_id);
    if (known) return known.take(Object.fromEntries(Object.entries(data.state).filter(([name]) => !name.startsWith("_") && name !== "layout")));
    const model = new Model(comm_id, data.state);
    model.opened = true;
    models.set(comm_id, model);
  }

  function moduleOf(source) {
    if (!modules.has(source)) {
      const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      modules.set(source, import(url).then(async ({ default: made }) => (typeof made === "function" ? await made() : made)));
    }
    return modules.get(source);
  }

  function addStyle(source) {
    if (source && !modules.has(`css ${source}`)) {
      modules.set(`css ${source}`, true);
      document.head.append(element("style", {}, source));
    }
  }

  /** Draw a widget into `place`; its still picture stays when that fails, and in print. */
  async function draw(model, place) {
    const el = element("div", { class: "pfn-live" });
    const status = element("p", { class: "pfn-status", role: "status" });
    place.append(el, status);
    model.say = (text) => { status.textContent = text; };
    const tellStatus = () => model.say(python.sentence() || "Shown as it was when the book was built; Python starts when you use it.");
    if (model.state._needs_python) {
      python.watchers.add(tellStatus);
      tellStatus();
    }
    try {
      addStyle(model.state._css);
      const widget = await moduleOf(model.state._esm);
      await widget.initialize?.({ model });
      await widget.render({ model, el });
      place.classList.add("is-live");
    } catch (error) {
      el.remove();
      model.say(`This picture could not be brought to life: ${error.message}`);
      console.error(error);
    }
  }

  function drawWidgets() {
    for (const block of document.querySelectorAll('script[type="application/vnd.jupyter.widget-state+json"]'))
      for (const [id, { state }] of Object.entries(JSON.parse(block.textContent).state)) models.set(id, new Model(id, state));
    for (const place of document.querySelectorAll(".pfn-widget")) {
      const model = models.get(place.dataset.model);
      if (model?.state._esm) draw(model, place);
    }
  }

  // ---- cells ---------------------------------------------------------------------------------------------------------

  const cells = [];
  let queue = Promise.resolve();         // what the reader asked for, in that order
  const LIMIT = 200_000;                 // characters of output

  class Cell {
    constructor(container, number) {
      this.number = number;
      this.ran = false;
      this.highlighted = container.querySelector(".cell_input .highlight") ?? container.querySelector(".cell_input");
      this.original = this.highlighted.querySelector("pre").textContent.replace(/\n+$/, "");
      this.stored = container.querySelector(".cell_output");
      const button = (label, onclick) => element("button", { type: "button", class: "pfn-button", "aria-label": `${label} cell ${number}`, onclick }, label);
      this.runButton = button("Run", () => this.ask());
      this.editButton = button("Edit", () => this.edit());
      this.resetButton = button("Reset", () => this.reset());
      this.stopButton = button("Stop", () => python.end("off"));
      this.status = element("span", { class: "pfn-status", role: "status" });
      this.output = element("div", { class: "pfn-output", role: "log", "aria-label": `Output of cell ${number}` });
      this.resetButton.hidden = this.stopButton.hidden = true;
      const input = container.querySelector(".cell_input");
      input.after(element("div", { class: "pfn-toolbar" }, this.runButton, this.editButton, this.resetButton, this.stopButton, this.status), this.output);
    }

    get source() { return this.editor ? this.editor.value : this.original; }

    edit() {
      this.editor = element("textarea", { class: "pfn-editor", spellcheck: "false", autocapitalize: "off", autocomplete: "off",
        "aria-label": `Code of cell ${this.number}. Shift and Enter runs it.`,
        oninput: () => { this.ran = false; this.fit(); }, onkeydown: (event) => this.key(event) });
      this.editor.value = this.original;
      this.highlighted.hidden = true;
      this.highlighted.after(this.editor);
      this.editButton.hidden = true;
      this.resetButton.hidden = false;
      this.fit();
      this.editor.focus();
    }

    fit() { this.editor.rows = this.editor.value.split("\n").length + 1; }

    /** Shift+Enter runs; Enter keeps the indentation. Tab moves on, as everywhere on a page. */
    key(event) {
      if (event.key !== "Enter" || event.isComposing) return;
      if (event.shiftKey || event.ctrlKey || event.metaKey) {
        event.preventDefault();
        this.ask();
        return;
      }
      const line = this.editor.value.slice(0, this.editor.selectionStart).split("\n").pop();
      const indent = line.match(/^ */)[0] + (line.trimEnd().endsWith(":") ? "    " : "");
      if (indent) {
        event.preventDefault();
        this.editor.setRangeText("\n" + indent, this.editor.selectionStart, this.editor.selectionEnd, "end");
        this.editor.dispatchEvent(new Event("input"));
      }
    }

    /** Back to what the book says; Python still remembers what was run. */
    reset() {
      this.editor?.remove();
      this.editor = null;
      this.ran = false;
      this.highlighted.hidden = this.editButton.hidden = false;
      this.resetButton.hidden = true;
      this.output.replaceChildren();
      if (this.stored) this.stored.hidden = false;
      this.status.textContent = "";
      this.editButton.focus();
    }

    ask() { queue = queue.then(() => this.runAfterEarlier()); }

    /** Run this cell, and before it those above that have not run as they now stand, so that its names exist. */
    async runAfterEarlier() {
      this.runButton.disabled = true;
      this.stopButton.hidden = false;
      const watch = () => { if (python.status === "starting") this.status.textContent = python.sentence(); };
      python.watchers.add(watch);
      try {
        for (const earlier of cells.slice(0, this.number - 1).filter((cell) => !cell.ran)) {
          this.status.textContent = python.status === "live" ? `Running cell ${earlier.number} first…` : python.sentence();
          const outcome = await earlier.run();
          if (outcome !== "ok") {
            this.status.textContent = outcome === "error" ? `Not run: cell ${earlier.number}, which comes first, failed.` : this.outcome(outcome);
            return;
          }
        }
        this.status.textContent = python.status === "live" ? "Running…" : python.sentence();
        this.status.textContent = this.outcome(await this.run());
      } finally {
        python.watchers.delete(watch);
        this.runButton.disabled = false;
        if (document.activeElement === this.stopButton) this.runButton.focus();
        this.stopButton.hidden = true;
      }
    }

    outcome(outcome) {
      return { ok: `Done. ${python.sentence()}`, error: "Failed: the last line below says why.",
               stopped: "Stopped. Python forgot what was run; Run starts it anew.", failed: python.sentence() }[outcome];
    }

    /** Send the cell to Python: "ok", "error", "stopped" or "failed". */
    async run() {
      this.output.replaceChildren();
      if (this.stored) this.stored.hidden = true;
      this.length = 0;
      const outcome = await new Promise((finish) => {
        python.running = { show: (message) => this.show(message), finish };
        python.post({ type: "run", cell: this.number, source: this.source });
        if (python.status === "failed") { python.running = null; finish("failed"); }
      });
      this.ran = outcome === "ok";
      if (outcome === "failed" && this.stored) this.stored.hidden = false;
      return outcome;
    }

    show({ type, name, text, data }) {
      if (type === "display") this.showValue(data);
      else this.addText(text, name);
      for (const pre of this.output.querySelectorAll("pre")) if (pre.scrollWidth > pre.clientWidth) pre.tabIndex = 0;
    }

    addText(text, kind) {
      if (this.length > LIMIT) return;
      const room = LIMIT - this.length;
      this.length += text.length;
      if (this.length > LIMIT) text = text.slice(0, room) + "\n… there is more, but this page shows no more of it.\n";
      const last = this.output.lastElementChild;
      if (last?.dataset.kind === kind) last.append(text);
      else this.output.append(element("pre", { "data-kind": kind }, text));
    }

    showValue(data) {
      const view = data["application/vnd.jupyter.widget-view+json"];
      if (view && models.has(view.model_id)) {
        const place = element("div", { class: "pfn-widget" });
        this.output.append(place);
        draw(models.get(view.model_id), place);
        return;
      }
      const markup = data["text/html"] ?? data["image/svg+xml"];
      if (markup === undefined) return this.addText(data["text/plain"] + "\n", "value");
      const place = element("div", { class: "pfn-picture" });
      place.innerHTML = markup;
      this.output.append(place);
      reachable.observe(place);
    }
  }

  /** What check() recorded in the page's Python, kept beside what this browser knew: the best of both. */
  function keepRecord(record) {
    try {
      const known = JSON.parse(localStorage.getItem("pfncache.record") ?? "{}");
      for (const [id, entry] of Object.entries(record))
        known[id] = { ...known[id], ...entry, best: Math.max(known[id]?.best ?? 0, entry.best ?? 0), hints: { ...known[id]?.hints, ...entry.hints } };
      localStorage.setItem("pfncache.record", JSON.stringify(known));
    } catch { /* a private window remembers nothing */ }
    dispatchEvent(new Event("pfn-record"));
  }

  function equipCells() {
    if (!runtime) return;
    for (const container of document.querySelectorAll(".cell.tag_live"))
      if (container.querySelector(".cell_input pre")) cells.push(new Cell(container, cells.length + 1));
  }

  // A picture that scrolls sideways can be scrolled with the keyboard too.
  const reachable = new ResizeObserver((places) => {
    for (const { target } of places)
      target.scrollWidth > target.clientWidth ? (target.tabIndex = 0) : target.removeAttribute("tabindex");
  });

  drawWidgets();
  equipCells();
  for (const place of document.querySelectorAll(".pfn-picture")) reachable.observe(place);
})();
