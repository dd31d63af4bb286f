// Adds the search, the filters and the page of the list to the link back.
// They are kept in this tab's sessionStorage.
{
  const link = document.querySelector("[data-back-to-list]");
  const before = document.referrer === "" ? null : new URL(document.referrer);
  const isHere = before?.origin === location.origin;

  if (isHere && before.pathname === link.pathname) {
    sessionStorage.setItem("list", before.search);
  } else if (!isHere || !before.pathname.startsWith(link.pathname)) {
    // She came from a mail or the dashboard, not from a page of enquiries.
    sessionStorage.removeItem("list");
  }
  link.search = sessionStorage.getItem("list") ?? "";
}
