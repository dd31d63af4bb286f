// A session may end while a form is open, overnight or elsewhere, and a sent form would then come back as it was stored,
// without what was written. So it is sent only where the site still knows who sends it, and stays as it is where not.
// The page of an enquiry has kept-words.js.
{
  const { address, signedOut, unreachable } = document.currentScript.dataset;

  // Returns why the form can't be sent now; "" where it can. It waits for the answer: a form that a script sends later
  // would not know which of its buttons was pressed. Signing in anew has made the token of the form invalid.
  function refusal(form) {
    const request = new XMLHttpRequest();
    request.open("GET", address, false);
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    try {
      request.send();
      if (request.status === 403) return signedOut;
      // Whatever else answers is not the site, or not in order.
      form.elements.csrfmiddlewaretoken.value = JSON.parse(request.responseText).token;
    } catch {
      return unreachable;
    }
    return "";
  }

  function tell(text) {
    document.dispatchEvent(new CustomEvent("w-messages:add", { detail: { clear: true, text, type: "error" } }));
  }

  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (!form.matches("[data-controller~='w-unsaved']:not([data-keep-words])")) return;
      const words = refusal(form);
      if (words === "") return;
      event.preventDefault();
      event.stopImmediatePropagation();
      tell(words);
      // Wagtail keeps the button from a second press for half a minute, from just after the first one.
      setTimeout(() => {
        for (const button of form.querySelectorAll("[data-w-progress-loading-value='true']")) {
          button.dataset.wProgressLoadingValue = "false";
        }
      });
    },
    true,
  );

  document.addEventListener("w-autosave:error", (event) => {
    const words = refusal(event.target);
    if (words !== "") tell(words);
  });
}
