// For the reasons see "The forms' script" in docs/architecture.md.

const PATIENCE_MS = 30_000;

function line(name, role) {
  const made = document.createElement("p");
  made.className = name;
  made.setAttribute("role", role);
  return made;
}

function countLetters(form) {
  for (const area of form.querySelectorAll("textarea[data-limit]")) {
    const look = () => {
      if (area.value.length < area.dataset.limit * 0.8) return;
      area.removeEventListener("input", look);
      import(form.dataset.counter).then(({ count }) => count(area, line), console.warn);
    };
    area.addEventListener("input", look);
    look();
  }
}

function rememberToken(form) {
  const token = form.elements.form_token;
  if (token) history.replaceState({ ...history.state, formToken: token.value }, "");
}

// Back and reload keep the form with its old token.
function keepToken(form) {
  const token = form.elements.form_token;
  if (token) token.value = history.state?.formToken ?? token.value;
  rememberToken(form);
}

// Storage may be disabled.
function inTab(use) {
  try {
    return use(sessionStorage);
  } catch (error) {
    console.warn(error);
  }
}

const draftKey = (form) => `draft:${form.dataset.draft}`;
const fields = (form) => [...form.querySelectorAll("textarea, [name=seen], input:not([type=hidden], [tabindex])")];
const isBox = (field) => /radio|checkbox/.test(field.type);
const typed = (form) =>
  fields(form)
    .filter((field) => field.checked || !isBox(field))
    .map((field) => [field.name, field.value]);

function put(form, pairs) {
  for (const field of fields(form)) {
    const values = pairs.filter(([name]) => name === field.name).map(([, value]) => value);
    if (isBox(field)) field.checked = values.includes(field.value);
    else field.value = values[0] ?? "";
  }
}

// A mapping's key is a prefix of its steps'.
const forget = (form) =>
  inTab((drafts) => {
    for (const key of Object.keys(drafts)) if (key.startsWith(draftKey(form))) drafts.removeItem(key);
  });

function keepDraft(form) {
  const [kept, cleared] = form.querySelectorAll(".form__draft");
  if (!kept) return;
  const posted = "posted" in form.dataset;
  const page = typed(form).filter(([name]) => name === "seen");
  let before;
  const show = (isKept) => {
    kept.hidden = !isKept;
    cleared.hidden = !before;
  };
  const keep = () => {
    before = null;
    show(inTab((drafts) => drafts.setItem(draftKey(form), JSON.stringify(typed(form))) ?? true));
  };
  form.addEventListener("input", keep);
  form.addEventListener("click", ({ target }) => {
    // Translation wraps the button's text.
    const row = target.closest("button")?.parentElement;
    if (row === cleared) {
      put(form, before);
      keep();
    } else if (row === kept) {
      before = typed(form);
      if (!posted) form.reset();
      put(form, posted ? page : [...page, ...typed(form)]);
      forget(form);
      show();
    } else return;
    fields(form).forEach((field) => field.dispatchEvent(new Event("input")));
    form.dispatchEvent(new Event("change"));
    form.querySelector(".form__draft:not([hidden]) button").focus();
  });
  const draft = inTab((drafts) => JSON.parse(drafts.getItem(draftKey(form))));
  if (draft && !posted) put(form, draft);
  show(draft);
}

function release(button) {
  if (!button.dataset.label) return;
  button.textContent = button.dataset.label;
  button.removeAttribute("aria-disabled");
  button.form.said.textContent = "";
}

function hold(button, text) {
  button.dataset.label ||= button.textContent;
  // Screen readers do not read a button's new text.
  button.textContent = button.form.said.textContent = text;
  button.setAttribute("aria-disabled", "true");
}

function showFailure(form, before, reason) {
  form.querySelector("[data-failure]")?.remove();
  const message = line("summary", "alert");
  message.dataset.failure = "";
  message.tabIndex = -1;
  message.textContent = reason;
  before.before(message);
  message.focus();
}

function showAnswer(page, written) {
  const main = page.querySelector("main");
  if (!main?.querySelector("[data-enquiry-form], [data-words-back]")) return false;
  main.querySelectorAll("[autofocus]").forEach((part) => part.removeAttribute("autofocus"));
  document.title = page.title;
  document.querySelector("main").replaceChildren(...main.childNodes);
  document.querySelectorAll("[data-enquiry-form]").forEach((form) => {
    rememberToken(form);
    if (written) put(form, written);
    begin(form);
  });
  dispatchEvent(new Event("enquiry-form-shown"));
  (document.querySelector("[data-summary]") ?? document.querySelector("main")).focus();
  return true;
}

async function send(form, button) {
  const body = new URLSearchParams(new FormData(form));
  if (button.name) body.append(button.name, button.value);
  if (String(body).length > form.dataset.largest) {
    const [longest] = fields(form).sort((one, other) => other.value.length - one.value.length);
    return showFailure(form, longest, form.dataset.tooLarge);
  }
  const sent = String(typed(form));
  const written = () => String(typed(form)) !== sent && typed(form);
  hold(button, form.dataset.sending);
  form.querySelector("[data-failure]")?.remove();
  let reason = form.dataset.failed;
  const patience = new AbortController();
  setTimeout(() => patience.abort(), PATIENCE_MS);
  try {
    const response = await fetch(form.action, {
      method: "POST",
      body,
      headers: { Accept: "text/html", "X-Requested-With": "fetch" },
      signal: patience.signal,
    });
    // Only 201 means "stored".
    if (response.status === 201) {
      if (!written()) forget(form);
      location.assign(response.headers.get("Location"));
      return;
    }
    reason = form.dataset.refused;
    const html = response.redirected || (response.ok && form.dataset.draft) ? "" : await response.text();
    // This page's policy blocks a plain page's own style, with an error in the console.
    const page = new DOMParser().parseFromString(html.replace(/<style[^]*?<.style>/g, ""), "text/html");
    if (showAnswer(page, written())) return;
    reason = page.querySelector("[data-refusal]")?.textContent ?? reason;
  } catch (error) {
    console.warn(error);
  }
  release(button);
  showFailure(form, button, reason);
}

function begin(form) {
  keepDraft(form);
  countLetters(form);
  form.append((form.said = line("visually-hidden", "status")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!form.querySelector("[aria-disabled]")) send(form, event.submitter ?? form.querySelector("[type=submit]"));
  });
}

// Safari before 15.4 does not name the button in the event.
if ("submitter" in (globalThis.SubmitEvent?.prototype ?? {}))
  document.querySelectorAll("[data-enquiry-form]").forEach((form) => {
    keepToken(form);
    begin(form);
  });

// Loads scripts of details. "toggle" doesn't bubble.
document.addEventListener("toggle", ({ target: { dataset } }) => dataset.script && import(dataset.script).catch(console.warn), true);

addEventListener("pageshow", ({ persisted }) => {
  document.querySelectorAll("[data-enquiry-form] [type=submit]").forEach(release);
  // After Back, seen is outdated.
  if (persisted) document.querySelectorAll("[name=seen]").forEach((field) => field.remove());
});
