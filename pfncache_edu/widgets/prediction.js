/* A question that wants its answer before it tells the outcome. The answer stays in this browser. */

function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    name.startsWith("on") || typeof value === "boolean" ? (made[name] = value) : made.setAttribute(name, value);
  made.append(...children.flat().filter((child) => child !== ""));
  return made;
}

const code = (text) => text.split("`").map((part, i) => i % 2 ? h("code", {}, part) : part);

class Question {
  constructor(model, el) {
    Object.assign(this, { model, id: `pfn${Math.random().toString(36).slice(2, 8)}` });
    this.root = h("section", { class: "pfn-prediction", "aria-label": "Your prediction", "data-lm-suppress-shortcuts": "true" });
    this.said = h("div", { class: "p-said", role: "status", tabindex: "-1" });
    this.heard = ({ detail }) => { if (detail.key === model.get("key") && detail.from !== this) this.take(detail.answer); };
    addEventListener("pfn-prediction", this.heard);
    this.changed = () => this.draw();
    model.on("change:prediction", this.changed);
    el.append(this.root);
    const stored = this.stored();
    stored && !model.get("prediction") ? this.take(stored) : this.draw();
  }

  close() {
    removeEventListener("pfn-prediction", this.heard);
    this.model.off("change:prediction", this.changed);
    this.root.remove();
  }

  stored() {
    try {
      const answer = localStorage.getItem(`pfncache.prediction.${this.model.get("key")}`);
      return this.model.get("options").includes(answer) ? answer : "";
    } catch { return ""; }                                    // a private window
  }

  take(answer) {
    this.model.set("prediction", answer);
    this.model.save_changes();
    this.draw();
  }

  record(answer) {
    try { localStorage.setItem(`pfncache.prediction.${this.model.get("key")}`, answer); } catch { /* a private window */ }
    this.take(answer);
    dispatchEvent(new CustomEvent("pfn-prediction", { detail: { key: this.model.get("key"), answer, from: this } }));
    this.said.focus();
  }

  draw() {
    const { model } = this, answer = model.get("prediction"), confront = model.get("confront");
    if (!answer) return this.ask();
    const right = answer === model.get("outcome");
    this.said.replaceChildren(...(confront
      ? [h("p", {}, "You predicted: ", h("b", {}, code(answer)), "."), h("p", {}, "The outcome is: ", h("b", {}, code(model.get("outcome"))), right ? ", as you said." : ", so it is not what you expected."),
         h("p", {}, code(model.get("because")))]
      : [h("p", {}, "Recorded: ", h("b", {}, code(answer)), ". You will meet it again when the chapter has shown what happens."),
         h("button", { type: "button", onclick: () => this.ask(answer) }, "Change it")]));
    this.root.replaceChildren(h("p", { class: "p-question" }, code(model.get("question"))), this.said);
  }

  ask(chosen = "") {
    const { model } = this;
    const options = model.get("options").map((option, i) => [
      h("input", { type: "radio", name: this.id, id: `${this.id}-${i}`, value: option, checked: option === chosen }), option]);
    const form = h("form", { onsubmit: (event) => {
      event.preventDefault();
      const picked = options.find(([input]) => input.checked);
      picked ? this.record(picked[1]) : this.said.replaceChildren(h("p", {}, "Choose one first: a wrong guess teaches more than none."));
    } }, h("fieldset", {}, h("legend", { class: "p-question" }, code(model.get("question"))),
      options.map(([input, text]) => h("label", { for: input.id }, input, h("span", {}, code(text))))),
      h("button", { type: "submit" }, "Record my prediction"), h("small", {}, " It stays in this browser."));
    this.said.replaceChildren();
    this.root.replaceChildren(form, this.said);
  }
}

const questions = new WeakMap();

export default {
  render({ model, el }) {
    questions.get(el)?.close();
    const question = new Question(model, el);
    questions.set(el, question);
    return () => question.close();
  },
};
