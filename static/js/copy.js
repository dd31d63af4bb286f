// A button that copies the address beside it; without this file the address is selected by hand.

function begin() {
  // A browser has no clipboard for a page without https.
  if (navigator.clipboard) document.querySelectorAll("[data-copy]").forEach(({ parentElement }) => (parentElement.hidden = false));
}

addEventListener("click", async ({ target }) => {
  const button = target.closest?.("[data-copy]");
  if (!button) return;
  const address = document.getElementById(button.dataset.copy);
  const said = document.getElementById(`${button.dataset.copy}-said`);
  said.textContent = "";
  try {
    await navigator.clipboard.writeText(address.textContent);
    said.textContent = button.dataset.copied;
  } catch (error) {
    // Forbidden: the address is selected, so that one command copies it.
    console.warn(error);
    getSelection().selectAllChildren(address);
    said.textContent = button.dataset.selected;
  }
});

begin();
// form.js puts a new form in place of the old one when something is to be mended.
addEventListener("enquiry-form-shown", begin);
