// Leads back to the list as it was left: its search, its filters, its page.
// They stay in this tab's sessionStorage and go with the tab.
{
  const link = document.querySelector("[data-back-to-list]");
  const before = document.referrer === "" ? null : new URL(document.referrer);
  const isHere = before?.origin === location.origin;

  if (isHere && before.pathname === link.pathname) {
    sessionStorage.setItem("list", before.search);
  } else if (!isHere || !before.pathname.startsWith(link.pathname)) {
    // She came by a mail or from the dashboard, not by another page of enquiries.
    sessionStorage.removeItem("list");
  }
  link.search = sessionStorage.getItem("list") ?? "";
}
