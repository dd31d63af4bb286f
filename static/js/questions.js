// Shows a question that depends on another one only when it applies. Without this file, its help says when.

const chosen = (form, name) =>
  [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)].filter((input) => input.checked).map((input) => input.value);

function update(form) {
  // In page order: a hidden question has no answer, so questions that depend on it are hidden too.
  for (const part of form.querySelectorAll("[data-decided-by]")) {
    const values = part.dataset.decidedValues.split(" ");
    const decider = form.querySelector(`[name="${CSS.escape(part.dataset.decidedBy)}"]`);
    const holds = !decider?.closest("[hidden]") && chosen(form, part.dataset.decidedBy).some((one) => values.includes(one));
    part.hidden = !holds;
  }
}

function begin() {
  for (const form of document.querySelectorAll(".form--mapping")) {
    if (form.dataset.decides) continue;
    form.dataset.decides = "yes";
    // Words in hidden questions are dropped without notice.
    if (form.elements.unmet) form.elements.unmet.value = "hidden";
    form.querySelectorAll("[data-condition]").forEach((words) => {
      const help = words.parentElement;
      words.remove();
      // A help text without words takes no space.
      help.hidden = !help.textContent.trim();
    });
    form.addEventListener("change", () => update(form));
    update(form);
  }
}

begin();
// form.js replaces the form when there are validation errors; after Back, the browser restores old choices.
addEventListener("enquiry-form-shown", begin);
addEventListener("pageshow", () => document.querySelectorAll(".form--mapping").forEach(update));
