// A question that the address names (#mita-tyonohjaus-on) opens by itself; without this file it is one tap away.

function openNamed() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named instanceof HTMLDetailsElement) {
    named.open = true;
    named.scrollIntoView();
  }
}

openNamed();
addEventListener("hashchange", openNamed);
