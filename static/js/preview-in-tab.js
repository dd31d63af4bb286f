// A preview in a tab of its own sends the form, and Wagtail then takes what is written for saved: it asks no more before
// the page is left. What is written is still unsaved.
document.addEventListener("submit", ({ target, submitter }) => {
  if (submitter?.formTarget === "_blank") target.dataset.wUnsavedConfirmationValue = "true";
});
