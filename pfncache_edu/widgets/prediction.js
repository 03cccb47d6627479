/* A question that wants its answer before it tells the outcome. The answer stays in this browser. */

class Question {
  constructor(model, el) {
    Object.assign(this, { model, id: `pfn${Math.random().toString(36).slice(2, 8)}` });
    this.root = h("section", { class: "pfn-play pfn-prediction", "aria-label": "Your prediction", "data-lm-suppress-shortcuts": "true" });
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
    const answer = recall(`prediction.${this.model.get("key")}`);
    return this.model.get("options").includes(answer) ? answer : "";
  }

  take(answer) {
    this.model.set("prediction", answer);
    this.model.save_changes();
    this.draw();
  }

  record(answer) {
    remember(`prediction.${this.model.get("key")}`, answer);
    this.take(answer);
    dispatchEvent(new CustomEvent("pfn-prediction", { detail: { key: this.model.get("key"), answer, from: this } }));
    this.said.focus();
  }

  draw() {
    const { model } = this, answer = model.get("prediction"), confront = model.get("confront");
    if (!answer) return this.ask();
    const right = answer === model.get("outcome");
    if (confront) remember("confronted", { ...recall("confronted", {}), [model.get("key")]: { question: model.get("question"), answer, outcome: model.get("outcome") } });
    this.said.replaceChildren(...(confront
      ? [h("p", {}, "You predicted: ", h("b", {}, withCode(answer)), "."), h("p", {}, "The outcome is: ", h("b", {}, withCode(model.get("outcome"))), right ? ", as you said." : ", so it is not what you expected."),
         h("p", {}, withCode(model.get("because")))]
      : [h("p", {}, "Recorded: ", h("b", {}, withCode(answer)), ". You will meet it again when the chapter has shown what happens."),
         h("button", { type: "button", onclick: () => this.ask(answer) }, "Change it")]));
    this.root.replaceChildren(h("p", { class: "p-question" }, withCode(model.get("question"))), this.said);
  }

  ask(chosen = "") {
    const { model } = this;
    const options = model.get("options").map((option, i) => [
      h("input", { type: "radio", name: this.id, id: `${this.id}-${i}`, value: option, checked: option === chosen }), option]);
    const form = h("form", { onsubmit: (event) => {
      event.preventDefault();
      const picked = options.find(([input]) => input.checked);
      picked ? this.record(picked[1]) : this.said.replaceChildren(h("p", {}, "Choose one first: a wrong guess teaches more than none."));
    } }, h("fieldset", {}, h("legend", { class: "p-question" }, withCode(model.get("question"))),
      options.map(([input, text]) => h("label", { for: input.id }, input, h("span", {}, withCode(text))))),
      h("button", { type: "submit" }, "Record my prediction"), h("small", {}, " It stays in this browser."));
    this.said.replaceChildren();
    this.root.replaceChildren(form, this.said);
  }
}

export default host(Question);
