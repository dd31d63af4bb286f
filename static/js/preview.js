// Wagtail's preview beside an editor hears no choice of what to show while it draws the one before. So it is asked again
// when that one is drawn.
document.addEventListener("w-preview:loaded", (event) => {
  const mode = event.target.querySelector("[data-w-preview-target~='mode']");
  const iframe = event.target.querySelector("[data-w-preview-target~='iframe']");
  if (!mode || new URL(iframe.src).searchParams.get("mode") === mode.value) return;
  // When Wagtail is done with the one before.
  setTimeout(() => mode.dispatchEvent(new Event("change", { bubbles: true })));
});
