// Questions that hang from another one are shown when they are to be answered. Without this file each says it in words.

const chosen = (form, name) =>
  [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)].filter((input) => input.checked).map((input) => input.value);

function update(form) {
  // In the order of the page: a hidden question has no answer, so what hangs from it is hidden too.
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
    // What is typed in a hidden question is left out untold.
    if (form.elements.unmet) form.elements.unmet.value = "hidden";
    form.querySelectorAll("[data-condition]").forEach((words) => {
      const help = words.parentElement;
      words.remove();
      // Nothing else was said there: it takes no room.
      help.hidden = !help.textContent.trim();
    });
    form.addEventListener("change", () => update(form));
    update(form);
  }
}

begin();
// form.js puts a new form in place of the old one when something is to be mended; the browser brings old choices back.
addEventListener("enquiry-form-shown", begin);
addEventListener("pageshow", () => document.querySelectorAll(".form--mapping").forEach(update));
