// A button that copies the address beside it; without this file the address is selected by hand.

function begin() {
  // Browsers offer a clipboard only to pages with https.
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
    // Copying is forbidden: the address is selected for the command.
    console.warn(error);
    getSelection().selectAllChildren(address);
    said.textContent = button.dataset.selected;
  }
});

begin();
// form.js replaces the form when there are validation errors.
addEventListener("enquiry-form-shown", begin);
