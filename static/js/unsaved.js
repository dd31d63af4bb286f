// Four fixes for Wagtail's search for unsaved changes and for its autosave; docs/upgrading.md has the reasons.
// The script must run before a form can be touched, so it is not deferred.
(() => {
  "use strict";
  const FORMS = "form[data-controller~='w-unsaved']";
  // Fields that Wagtail ignores when it looks for changes, or adds when it sends the form.
  const NO_WORDS = /^(csrfmiddlewaretoken|next|loaded_revision_id|loaded_revision_created_at|overwrite_revision_id|comments-.*)$/;
  // A click into a text is no change.
  const TEXTS = "[contenteditable], textarea, input:not([type=checkbox], [type=radio], [type=file])";
  const IDLE_KEYS = /^(Tab|Escape|Shift|Control|Alt|AltGraph|Meta|CapsLock|PageUp|PageDown|F\d+)$/;
  // How long Wagtail disables a button after a click.
  const ON_ITS_WAY = 30000;
  const LONGEST_SAVE = 10000;

  let touched = false;
  const watched = new WeakSet();
  const returned = new WeakSet();
  // Forms that were changed first by, say, an autofill.
  const filledIn = new WeakSet();
  // By form: the saved words, with the fields that are not compared; the latest save event.
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

  // Makes Wagtail compare with the form's present words.
  const clear = (form) => controller(form, "w-unsaved")?.clear();

  // Wagtail notices this and saves soon after.
  function markUnsaved(form) {
    form.dataset.wUnsavedForceValue = "true";
    form.dataset.wUnsavedHasEditsValue = "true";
  }

  const saveNext = (form) =>
    form.dispatchEvent(new CustomEvent("w-unsaved:add", { bubbles: true, cancelable: true, detail: { type: "edits" } }));

  // 1. Wagtail regards as saved what a form holds two seconds after opening. The script uses the words just before the
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

  // An input without these events, such as an autofill, has changed the form already.
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

  // Differences before a touch come from late drawing: not saved, no question on leaving.
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

  // 2. At the answer to a save, Wagtail regards all that the form holds as saved, also words typed after the form had
  // been read for sending. The script uses what was sent.
  document.addEventListener("w-autosave:save", (event) => {
    saves.set(event.target, event);
  });

  document.addEventListener("w-autosave:success", (event) => {
    // Fields that the answer itself fills are not her changes.
    const written = event.detail.response.field_updates || {};
    const form = event.target;
    const save = saves.get(form);
    if (save) saved.set(form, { words: words(save.detail.formData, written), written });
  });

  // After 1 or 2: words that differ from these are saved next, and asked about on leaving.
  document.addEventListener("w-unsaved:watch-edits", (event) => {
    const form = event.target;
    watched.add(form);
    // After Wagtail's handlers and the one above.
    setTimeout(() => {
      const then = saved.get(form);
      // Wagtail starts twice with some forms: words filled in between would count as saved.
      if (then ? words(new FormData(form), then.written) !== then.words : filledIn.has(form)) markUnsaved(form);
    });
  });

  // 3. No autosave after a manual submit: the page in the answer would be older than the stored draft, and Wagtail
  // would take her own words for another window's. If no answer comes, autosave goes on.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !form.matches("[data-controller~='w-autosave']")) return;
    if (form.dataset.wAutosaveActiveValue === "false") return;
    form.dataset.wAutosaveActiveValue = "false";
    // Wagtail checks the event again after its half second.
    saves.get(form)?.preventDefault();
    setTimeout(() => {
      form.dataset.wAutosaveActiveValue = "true";
      if (form.dataset.wUnsavedHasEditsValue === "true") saveNext(form);
    }, ON_ITS_WAY);
  });

  // The submit waits for an autosave that is on its way: stored later, this would be taken for another window's, and
  // after a publication it would be a draft of older words.
  let isReleased = false;
  const waiting = new WeakSet();

  // Returns the autosave that was sent. One in its half second is cancelled on submit.
  function saveOnItsWay(form) {
    const hasLeft = performance.now() - (saves.get(form)?.timeStamp ?? 0) >= form.dataset.wAutosaveIntervalValue;
    return hasLeft ? controller(form, "w-autosave")?.submitPromise : null;
  }

  function sendAfter(saving, form, submitter) {
    waiting.add(form);
    // No further save starts.
    form.dataset.wAutosaveActiveValue = "false";
    const longEnough = new Promise((ended) => { setTimeout(ended, LONGEST_SAVE); });
    Promise.race([saving, longEnough]).finally(() => {
      waiting.delete(form);
      form.dataset.wAutosaveActiveValue = "true";
      // Wagtail has disabled the button meanwhile, and a disabled button is not sent.
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

  // 4. Wagtail never starts to look for changes in a form that came back with errors: after its first save, new words
  // were neither saved nor asked about. So it starts like other forms, and counts as changed from the start.
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
