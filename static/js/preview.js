// Wagtail's preview beside an editor ignores a mode that is chosen while it renders another one. So the choice is
// repeated afterwards.
document.addEventListener("w-preview:loaded", (event) => {
  const mode = event.target.querySelector("[data-w-preview-target~='mode']");
  const iframe = event.target.querySelector("[data-w-preview-target~='iframe']");
  if (!mode || new URL(iframe.src).searchParams.get("mode") === mode.value) return;
  // After Wagtail has finished rendering.
  setTimeout(() => mode.dispatchEvent(new Event("change", { bubbles: true })));
});
