// Wagtail saves a draft by itself. When its answer comes, it takes all that the form holds by then for saved, also what
// was typed after the form had been read for sending. Here that is found, asked about on leaving, and saved next.
(() => {
  "use strict";
  // What Wagtail itself leaves out when it looks for changes, and what it adds when it sends.
  const NO_WORDS = /^(csrfmiddlewaretoken|next|loaded_revision_id|loaded_revision_created_at|overwrite_revision_id|comments-.*)$/;
  const sent = new WeakMap();

  const words = (formData, written) =>
    JSON.stringify(
      [...formData]
        .filter(([name]) => !NO_WORDS.test(name) && !(name in written))
        .map(([name, value]) => [name, value instanceof File ? [value.name, value.size] : value]),
    );

  document.addEventListener("w-autosave:save", (event) => {
    sent.set(event.target, event.detail.formData);
  });

  document.addEventListener("w-autosave:success", (event) => {
    const form = event.target;
    // Fields that the answer itself has filled are no change of hers.
    const written = event.detail.response.field_updates || {};
    if (!sent.has(form) || words(sent.get(form), written) === words(new FormData(form), written)) return;
    form.dataset.wUnsavedForceValue = "true";
    form.dataset.wUnsavedHasEditsValue = "true";
    form.dispatchEvent(new CustomEvent("w-unsaved:add", { bubbles: true, cancelable: true, detail: { type: "edits" } }));
  });
})();
