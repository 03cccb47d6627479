/* What every widget's module begins with: making elements, remembering in this browser, being drawn once in each place.
   live_widget.module() puts it in front of the widget's own module. */

const CONTROLS = ["a", "button", "input", "select", "summary", "textarea"];

/** An element: h("button", { type: "button", onclick: go }, "Go"). Children that are "" or null are left out.
    A control says itself that its keys are its own: in JupyterLab, arrows and Enter would else move between cells. */
function h(tag, attributes = {}, ...children) {
  const own = CONTROLS.includes(tag) ? { "data-lm-suppress-shortcuts": "true", ...attributes } : attributes;
  return filled(document.createElement(tag), own, children);
}

/** The same for SVG: s("rect", { x: 0, y: 0, width: 10, height: 10 }). */
function s(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes))
    name.startsWith("on") || typeof value === "boolean" ? (made[name] = value) : made.setAttribute(name, value);
  made.append(...children.flat().filter((child) => child !== "" && child != null));
  return made;
}

/** A sentence, with what stands between backticks as code. */
function withCode(text) {
  return text.split("`").map((part, i) => i % 2 ? h("code", {}, part) : part);
}

/** Words, with places where a long C name may be broken. */
function soft(text) {
  return text.replaceAll(" -> ", " → ").split(/(?<=[._])(?=\w)/).flatMap((part, i) => i ? [h("wbr"), part] : [part]);
}

/** What this browser remembers under a key, or `otherwise`; a private window remembers nothing. */
function recall(key, otherwise = null) {
  try { return JSON.parse(localStorage.getItem(`pfncache.${key}`)) ?? otherwise; } catch { return otherwise; }
}

function remember(key, value) {
  try { localStorage.setItem(`pfncache.${key}`, JSON.stringify(value)); } catch { /* a private window */ }
}

/** The part of the page's address that belongs to a widget: #KEY=what_was_shared, or "" (sharing by link). */
function shared(key) {
  const part = location.hash.slice(1).split("&").find((one) => one.startsWith(`${key}=`));
  try { return part ? decodeURIComponent(part.slice(key.length + 1)) : ""; } catch { return ""; }
}

/** The address of this page with a widget's state in it. */
function linkTo(key, state) {
  return `${location.href.split("#")[0]}#${key}=${encodeURIComponent(state)}`;
}

/** Hear when a trait of the model changes, which `changed` is told, and when the page's address does. Call what is answered
    to hear no more. */
function hear(model, traits, changed, moved = () => {}) {
  const names = traits.map((trait) => `change:${trait}`).join(" ");
  model.on(names, changed);
  addEventListener("hashchange", moved);
  return () => {
    model.off(names, changed);
    removeEventListener("hashchange", moved);
  };
}

/** Set values in the model of what is drawn. It is then the model's `own` change: who hears of it need not draw again. */
function put(drawn, values) {
  drawn.own = true;
  for (const [name, value] of Object.entries(values)) drawn.model.set(name, value);
  drawn.model.save_changes();
  drawn.own = false;
}

/** Put the parts of shared JSON back (pfncache_edu/widgets/sharing.py). */
export function unshare({ parts, whole }) {
  const done = [];
  const back = (value) => Array.isArray(value) ? value.map(back)
    : value === null || typeof value !== "object" ? value
    : "=" in value ? done[value["="]]
    : Object.fromEntries(Object.entries(value).map(([key, part]) => [key, back(part)]));
  for (const part of parts) done.push(back(part));
  return back(whole);
}

/** The module's face to its host, for a class with constructor(model, el) and close(). Drawn again, the old one closes. */
function host(Drawn) {
  const drawn = new WeakMap();
  return {
    render({ model, el }) {
      drawn.get(el)?.close();
      const made = new Drawn(model, el);
      drawn.set(el, made);
      return () => made.close();
    },
  };
}
