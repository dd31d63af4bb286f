// Small conveniences of every page; without this file each takes one more tap.

// Opens the question that the address names (#mita-tyonohjaus-on).
function openNamed() {
  let name = location.hash.slice(1);
  try {
    name = decodeURIComponent(name);
  } catch {
    // A lone "%" can't be decoded: the name is used unchanged.
  }
  const named = name && document.getElementById(name);
  if (named instanceof HTMLDetailsElement) {
    named.open = true;
    named.scrollIntoView();
  }
}

// Escape and a tap outside close the menu.
const menu = document.querySelector(".site-menu__fold");

function closeMenu(event) {
  if (!menu?.open) return;
  if (event.type === "keydown") {
    if (event.key !== "Escape") return;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
  } else if (menu.contains(event.target)) return;
  menu.open = false;
}

// A link to the current address causes no hashchange event.
function openNamedAgain(event) {
  const link = event.target.closest("a");
  if (link?.hash && link.href === location.href) openNamed();
}

openNamed();
addEventListener("hashchange", openNamed);
addEventListener("click", openNamedAgain);
addEventListener("keydown", closeMenu);
addEventListener("click", closeMenu);
