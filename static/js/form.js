// The enquiry form, made kinder: one press is one sending, a broken connection costs no words, and a
// count appears near the limit. Without this file the form works the same by itself.

const PATIENCE_MS = 30_000;
const COUNT_FROM = 0.8;

const fill = (text, n) => text.replace("{n}", n);

function countLetters(form) {
  for (const area of form.querySelectorAll("textarea[data-limit]")) {
    const limit = Number(area.dataset.limit);
    const counter = document.createElement("p");
    counter.className = "counter";
    counter.setAttribute("role", "status");
    area.after(counter);
    let pause;
    const show = () => {
      const used = [...area.value].length;
      const left = limit - used;
      const { leftMany, leftOne, overMany, overOne } = form.dataset;
      const words = left < 0 ? [overMany, overOne] : [leftMany, leftOne];
      const text = used < limit * COUNT_FROM ? "" : Math.abs(left) === 1 ? words[1] : fill(words[0], Math.abs(left));
      counter.classList.toggle("counter--over", left < 0);
      if (counter.textContent !== text) counter.textContent = text;
    };
    // A screen reader hears the count when the writer pauses, not at every letter.
    area.addEventListener("input", () => {
      clearTimeout(pause);
      pause = setTimeout(show, 400);
    });
    show();
  }
}

function rememberToken(form) {
  const token = form.elements.form_token;
  if (token) history.replaceState({ ...history.state, formToken: token.value }, "");
}

// Back from the thank-you page, or after a reload, the browser may fetch the form anew and put the words back
// into it. It is still the same form: the same words sent again are the same enquiry.
function keepToken(form) {
  const token = form.elements.form_token;
  if (token) token.value = history.state?.formToken ?? token.value;
  rememberToken(form);
}

function release(button) {
  if (!button.dataset.label) return;
  button.textContent = button.dataset.label;
  button.removeAttribute("aria-disabled");
}

function hold(button, text) {
  button.dataset.label ||= button.textContent;
  button.textContent = text;
  button.setAttribute("aria-disabled", "true");
}

function showFailure(form, button, reason) {
  form.querySelector("[data-failure]")?.remove();
  const message = document.createElement("p");
  message.className = "summary";
  message.dataset.failure = "";
  message.setAttribute("role", "alert");
  message.tabIndex = -1;
  message.textContent = reason;
  button.before(message);
  message.focus();
}

function showAnswer(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const main = page.querySelector("main");
  if (!main?.querySelector("[data-enquiry-form]")) return false;
  // The focus is set below; two who ask for it get in each other's way.
  main.querySelectorAll("[autofocus]").forEach((part) => part.removeAttribute("autofocus"));
  document.title = page.title;
  document.querySelector("main").replaceChildren(...main.childNodes);
  document.querySelectorAll("[data-enquiry-form]").forEach((form) => {
    // The server may have given it a new token.
    rememberToken(form);
    begin(form);
  });
  dispatchEvent(new Event("enquiry-form-shown"));
  (document.querySelector("[data-summary]") ?? document.querySelector("main")).focus();
  return true;
}

async function send(form, button) {
  hold(button, form.dataset.sending);
  form.querySelector("[data-failure]")?.remove();
  let reason = form.dataset.failed;
  try {
    const response = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form, button)),
      headers: { Accept: "text/html" },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (response.redirected && response.ok) {
      location.assign(response.url);
      return;
    }
    const html = await response.text();
    if (showAnswer(html)) return;
    // A page without the form: it says why, or something stands between us and the site.
    reason = new DOMParser().parseFromString(html, "text/html").querySelector("[data-refusal]")?.textContent ?? reason;
  } catch (error) {
    console.warn(error);
  }
  // Sending again is safe: the server knows the same form and answers with the same reference.
  release(button);
  showFailure(form, button, reason);
}

function begin(form) {
  countLetters(form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = event.submitter ?? form.querySelector("[type=submit]");
    if (!form.querySelector("[type=submit][aria-disabled=true]")) send(form, button);
  });
}

document.querySelectorAll("[data-enquiry-form]").forEach((form) => {
  keepToken(form);
  begin(form);
});

// Back from the thank-you page the browser may show the page as it was left.
addEventListener("pageshow", () => document.querySelectorAll("[data-enquiry-form] [type=submit]").forEach(release));
