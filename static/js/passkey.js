// Shows the buttons for passkeys only in a browser that supports passkeys.
document.addEventListener("DOMContentLoaded", () => {
  if (!window.PublicKeyCredential) return;
  for (const part of document.querySelectorAll("[data-passkey]")) part.hidden = false;
});
// Allauth sends this event for a missing key, an unknown finger or a cancelled dialog.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  document.querySelector("[data-passkey-problem]").hidden = false;
});
