// Keeps the words that a form sends until they are saved: after a lost session they are in the form again.
// They are kept in this tab's sessionStorage.
{
  const script = document.currentScript;
  const address = new URL(location.href);
  const saved = address.searchParams.get("saved");
  const page = address.pathname.match(/\d+(?=\/$)/)?.[0];

  function keyOf(form) {
    return `words ${page} ${form.dataset.keepWords}`;
  }

  function fieldsOf(form) {
    return [...form.elements].filter((field) => field.matches("select, textarea"));
  }

  // Wagtail regards as saved what the form holds two seconds after the page has opened. This marks the form as
  // unsaved.
  function markUnsaved(form) {
    form.dataset.wUnsavedForceValue = "true";
    form.dataset.wUnsavedHasEditsValue = "true";
  }

  function restore(form, kept) {
    const changed = fieldsOf(form).filter((field) => field.name in kept && field.value !== kept[field.name]);
    for (const field of changed) {
      field.value = kept[field.name];
    }
    if (changed.length > 0) {
      // After the page's own scripts have connected the form.
      addEventListener("load", () => setTimeout(() => markUnsaved(form), 100));
      const words = document.createElement("p");
      words.className = "enquiry-alert";
      words.setAttribute("role", "status");
      words.textContent = script.dataset.kept;
      form.prepend(words);
      form.scrollIntoView({ block: "nearest" });
    }
  }

  for (const form of document.querySelectorAll("form[data-keep-words]")) {
    const key = keyOf(form);
    const kept = sessionStorage.getItem(key);
    sessionStorage.removeItem(key);
    if (kept !== null && saved !== form.dataset.keepWords) {
      // At once, before she can write newer words.
      restore(form, JSON.parse(kept));
    }
    form.addEventListener("submit", () => {
      const words = Object.fromEntries(fieldsOf(form).map((field) => [field.name, field.value]));
      sessionStorage.setItem(key, JSON.stringify(words));
    });
  }
  if (saved !== null) {
    address.searchParams.delete("saved");
    history.replaceState(history.state, "", address);
  }
}
