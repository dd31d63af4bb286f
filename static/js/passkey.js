// A browser without passkeys, or without scripts, never shows a button that does nothing.
document.addEventListener("DOMContentLoaded", () => {
  if (!window.PublicKeyCredential) return;
  for (const part of document.querySelectorAll("[data-passkey]")) part.hidden = false;
});
// Allauth tells so of a key that was not found, a finger that was not known, or a person who changed their mind.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  document.querySelector("[data-passkey-problem]").hidden = false;
});
