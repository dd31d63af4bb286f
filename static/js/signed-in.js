// If the session ends while a form is open, overnight or elsewhere, a post of the form would lose its words. So a form
// is sent only if the session is still valid; otherwise it stays as it is. The page of an enquiry has kept-words.js.
{
  const { address, signedOut, unreachable } = document.currentScript.dataset;

  // Returns why the form can't be sent now; "" if it can. The request is synchronous: a form that a script sends later
  // has lost the pressed button. It also replaces the form's token, which a new login makes invalid.
  function refusal(form) {
    const request = new XMLHttpRequest();
    request.open("GET", address, false);
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    try {
      request.send();
      if (request.status === 403) return signedOut;
      // An answer without a token is not from a working site.
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
      // Just after the first press, Wagtail disables the button for half a minute. Undo this.
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
