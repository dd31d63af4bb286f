// Four mends for the way Wagtail looks for unsaved changes and saves drafts by itself; docs/upgrading.md tells what they
// are for. It has to be there before a form can be touched, so it is not deferred.
(() => {
  "use strict";
  const FORMS = "form[data-controller~='w-unsaved']";
  // What Wagtail itself leaves out when it looks for changes, and what it adds when it sends.
  const NO_WORDS = /^(csrfmiddlewaretoken|next|loaded_revision_id|loaded_revision_created_at|overwrite_revision_id|comments-.*)$/;
  // A click into a text changes nothing.
  const TEXTS = "[contenteditable], textarea, input:not([type=checkbox], [type=radio], [type=file])";
  const IDLE_KEYS = /^(Tab|Escape|Shift|Control|Alt|AltGraph|Meta|CapsLock|PageUp|PageDown|F\d+)$/;
  // As long as Wagtail keeps a button from a second click.
  const ON_ITS_WAY = 30000;
  const LONGEST_SAVE = 10000;

  let touched = false;
  const watched = new WeakSet();
  const returned = new WeakSet();
  // Those that something else than her has changed first.
  const filledIn = new WeakSet();
  // By form: the words that are saved and the fields that were not compared; the newest save.
  const saved = new WeakMap();
  const saves = new WeakMap();

  const words = (formData, written) =>
    JSON.stringify(
      [...formData]
        .filter(([name]) => !NO_WORDS.test(name) && !(name in written))
        .map(([name, value]) => [name, value instanceof File ? [value.name, value.size] : value]),
    );

  const isUnsavedFromTheStart = (form) => returned.has(form) || form.dataset.wUnsavedForceValue === "true";

  const controller = (form, name) => window.wagtail?.app?.getControllerForElementAndIdentifier(form, name);

  // Let Wagtail compare from now on with what the form holds.
  const clear = (form) => controller(form, "w-unsaved")?.clear();

  // Wagtail notices it, and saves a moment later.
  function markUnsaved(form) {
    form.dataset.wUnsavedForceValue = "true";
    form.dataset.wUnsavedHasEditsValue = "true";
  }

  const saveNext = (form) =>
    form.dispatchEvent(new CustomEvent("w-unsaved:add", { bubbles: true, cancelable: true, detail: { type: "edits" } }));

  // 1. Wagtail takes for saved what a form holds two seconds after it has opened. Saved is what it holds just before her
  // first touch.
  function touch() {
    touched = true;
    for (const form of document.querySelectorAll(FORMS)) {
      if (isUnsavedFromTheStart(form)) continue;
      saved.set(form, { words: words(new FormData(form), {}), written: {} });
      clear(form);
    }
  }

  const canChange = {
    beforeinput: () => true,
    drop: () => true,
    keydown: (event) => !IDLE_KEYS.test(event.key),
    paste: () => true,
    pointerdown: (event) => !event.target.closest(TEXTS),
  };
  for (const [type, applies] of Object.entries(canChange)) {
    addEventListener(type, (event) => { if (!touched && event.isTrusted && applies(event)) touch(); }, true);
  }

  // What comes without any of these, such as an autofill, has changed the form already.
  function changedBySomethingElse(event) {
    if (touched || (event.type !== "input" && !event.isTrusted)) return;
    touched = true;
    const form = event.target.form;
    if (!form?.matches(FORMS)) return;
    filledIn.add(form);
    if (!watched.has(form)) markUnsaved(form);
  }
  addEventListener("input", changedBySomethingElse, true);
  addEventListener("change", changedBySomethingElse, true);

  // What differs before that was drawn late: it is neither saved nor asked about on leaving.
  const isNoChange = (form) => !touched && !isUnsavedFromTheStart(form);
  const whenToldOfChange = (event) => {
    if (!isNoChange(event.target)) return;
    event.stopImmediatePropagation();
    clear(event.target);
  };
  const whenAsking = (event) => {
    if (isNoChange(event.target)) event.preventDefault();
  };
  addEventListener("w-unsaved:add", whenToldOfChange, true);
  addEventListener("w-unsaved:confirm", whenAsking, true);

  // 2. When the answer to a save comes, Wagtail takes all that the form holds by then for saved, also what was typed after
  // the form had been read for sending. Saved is what was sent.
  document.addEventListener("w-autosave:save", (event) => {
    saves.set(event.target, event);
  });

  document.addEventListener("w-autosave:success", (event) => {
    // Fields that the answer itself has filled are no change of hers.
    const written = event.detail.response.field_updates || {};
    const form = event.target;
    const save = saves.get(form);
    if (save) saved.set(form, { words: words(save.detail.formData, written), written });
  });

  // After either, what differs from what is saved is asked about on leaving, and saved next.
  document.addEventListener("w-unsaved:watch-edits", (event) => {
    const form = event.target;
    watched.add(form);
    // When Wagtail is done, and the answer is noted.
    setTimeout(() => {
      const then = saved.get(form);
      // Wagtail begins twice with some forms: what was filled in between would count as saved.
      if (then ? words(new FormData(form), then.written) !== then.words : filledIn.has(form)) markUnsaved(form);
    });
  });

  // 3. A form that was sent by hand is on its way. Saved by itself after that, it would make the page that answers older
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

  // What is being saved by itself just then is waited for: stored after the page that answers was made, it would be
  // another window's, too, and after a publication it would be a draft of older words.
  let isReleased = false;
  const waiting = new WeakSet();

  // The save that has left already; one that waits for its half second is given up below.
  function saveOnItsWay(form) {
    const hasLeft = performance.now() - (saves.get(form)?.timeStamp ?? 0) >= form.dataset.wAutosaveIntervalValue;
    return hasLeft ? controller(form, "w-autosave")?.submitPromise : null;
  }

  function sendAfter(saving, form, submitter) {
    waiting.add(form);
    // Nor is the next one begun.
    form.dataset.wAutosaveActiveValue = "false";
    const longEnough = new Promise((ended) => { setTimeout(ended, LONGEST_SAVE); });
    Promise.race([saving, longEnough]).finally(() => {
      waiting.delete(form);
      form.dataset.wAutosaveActiveValue = "true";
      // Wagtail has disabled the button meanwhile, and a form does not send a disabled one along.
      const wasDisabled = submitter?.disabled;
      if (wasDisabled) submitter.disabled = false;
      isReleased = true;
      form.requestSubmit(submitter);
      isReleased = false;
      if (wasDisabled) setTimeout(() => { submitter.disabled = submitter.dataset.wProgressLoadingValue === "true"; });
    });
  }

  function sendWhenSaved(event) {
    const form = event.target;
    if (isReleased || !form.matches("[data-controller~='w-autosave']")) return;
    const saving = saveOnItsWay(form);
    if (!saving && !waiting.has(form)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!waiting.has(form)) sendAfter(saving, form, event.submitter);
  }
  addEventListener("submit", sendWhenSaved, true);

  // 4. Wagtail never begins to look for changes in a form that came back with mistakes: once it was saved, what was typed
  // after that was neither saved nor asked about. So it begins as any other, and counts as changed from the start.
  function beginAsAnyOther() {
    const form = document.querySelector("form[data-w-unsaved-force-value='true']");
    if (!form) return;
    returned.add(form);
    form.dataset.wUnsavedForceValue = "false";
    form.dataset.wUnsavedHasEditsValue = "true";
    const force = () => {
      form.dataset.wUnsavedForceValue = "true";
      saveNext(form);
    };
    form.addEventListener("w-unsaved:watch-edits", force, { once: true });
  }
  // Before Wagtail's controllers start.
  addEventListener("DOMContentLoaded", beginAsAnyOther, { capture: true });
})();
