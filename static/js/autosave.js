// Four mends for the way Wagtail saves drafts by itself; docs/upgrading.md tells what they are for.
(() => {
  "use strict";
  // What Wagtail itself leaves out when it looks for changes, and what it adds when it sends.
  const NO_WORDS = /^(csrfmiddlewaretoken|next|loaded_revision_id|loaded_revision_created_at|overwrite_revision_id|comments-.*)$/;
  const saves = new WeakMap();
  // As long as Wagtail keeps a button from a second click.
  const ON_ITS_WAY = 30000;

  const words = (formData, written) =>
    JSON.stringify(
      [...formData]
        .filter(([name]) => !NO_WORDS.test(name) && !(name in written))
        .map(([name, value]) => [name, value instanceof File ? [value.name, value.size] : value]),
    );

  const saveNext = (form) =>
    form.dispatchEvent(new CustomEvent("w-unsaved:add", { bubbles: true, cancelable: true, detail: { type: "edits" } }));

  // 1. When the answer comes, Wagtail takes all that the form holds by then for saved, also what was typed after the form
  // had been read for sending. That is found, asked about on leaving, and saved next.
  document.addEventListener("w-autosave:save", (event) => {
    saves.set(event.target, event);
  });

  document.addEventListener("w-autosave:success", (event) => {
    const form = event.target;
    // Fields that the answer itself has filled are no change of hers.
    const written = event.detail.response.field_updates || {};
    const save = saves.get(form);
    if (!save || words(save.detail.formData, written) === words(new FormData(form), written)) return;
    form.dataset.wUnsavedForceValue = "true";
    form.dataset.wUnsavedHasEditsValue = "true";
    saveNext(form);
  });

  // 2. A form that was sent by hand is on its way. Saved by itself after that, it would make the page that answers older
  // than what is stored, and Wagtail would take her own words for another window's. If nothing answers, it goes on.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !form.matches("[data-controller~='w-autosave']")) return;
    if (form.dataset.wAutosaveActiveValue === "false") return;
    form.dataset.wAutosaveActiveValue = "false";
    // Wagtail looks at it once more when its half second is over.
    saves.get(form)?.preventDefault();
    setTimeout(() => {
      form.dataset.wAutosaveActiveValue = "true";
      if (form.dataset.wUnsavedHasEditsValue === "true") saveNext(form);
    }, ON_ITS_WAY);
  });

  // 3. Wagtail never begins to look for changes in a form that came back with mistakes: once it was saved, what was typed
  // after that was neither saved nor asked about. So it begins as any other, and counts as changed from the start.
  const returned = document.querySelector("form[data-w-unsaved-force-value='true']");
  if (returned) {
    returned.dataset.wUnsavedForceValue = "false";
    returned.dataset.wUnsavedHasEditsValue = "true";
    const force = () => {
      returned.dataset.wUnsavedForceValue = "true";
      saveNext(returned);
    };
    returned.addEventListener("w-unsaved:watch-edits", force, { once: true });
  }

  // 4. On a slow computer Wagtail takes down what the form holds before its own editors have written theirs into it, and
  // saved that as a change. What changes before anybody has touched the page is no change of hers.
  let touched = Boolean(returned);
  for (const kind of ["pointerdown", "keydown", "click", "input"]) {
    const touch = (event) => {
      touched ||= event.isTrusted || kind === "input";
    };
    addEventListener(kind, touch, true);
  }
  const stopUntouched = (event) => {
    if (!touched) event.stopImmediatePropagation();
  };
  addEventListener("w-unsaved:add", stopUntouched, true);
})();
