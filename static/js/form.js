// docs/architecture.md, "The forms' script", tells what it does and why.

const PATIENCE_MS = 30_000;
const COUNT_FROM = 0.8;

const fill = (text, n) => text.replace("{n}", n);

function line(name, role) {
  const made = document.createElement("p");
  made.className = name;
  made.setAttribute("role", role);
  return made;
}

function countLetters(form) {
  for (const area of form.querySelectorAll("textarea[data-limit]")) {
    const limit = Number(area.dataset.limit);
    const counter = line("counter", "status");
    counter.id = `${area.id}_left`;
    area.after(counter);
    area.setAttribute("aria-describedby", `${area.getAttribute("aria-describedby") ?? ""} ${counter.id}`.trim());
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

// After Back or a reload it is still the same form.
function keepToken(form) {
  const token = form.elements.form_token;
  if (token) token.value = history.state?.formToken ?? token.value;
  rememberToken(form);
}

// A browser may forbid it.
function inTab(use) {
  try {
    return use(sessionStorage);
  } catch (error) {
    console.warn(error);
  }
}

const draftKey = (form) => `draft:${form.dataset.draft}`;
const fields = (form) => [...form.querySelectorAll("textarea, input:not([type=hidden], [tabindex])")];
const isBox = (field) => /radio|checkbox/.test(field.type);
const typed = (form) =>
  [...form.querySelectorAll("[name=seen]"), ...fields(form)]
    .filter((field) => field.checked || !isBox(field))
    .map((field) => [field.name, field.value]);

// With the words goes what their page had shown of stored answers.
function put(form, pairs) {
  const [, seen] = pairs.find(([name]) => name === "seen") ?? [];
  if (seen !== undefined && form.elements.seen) form.elements.seen.value = seen;
  for (const field of fields(form)) {
    const values = pairs.filter(([name]) => name === field.name).map(([, value]) => value);
    if (isBox(field)) field.checked = values.includes(field.value);
    else field.value = values[0] ?? "";
  }
}

// A mapping's key begins those of its steps.
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
    // A browser that translates the page wraps the words of the button.
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
  // A button's new words are not read aloud by themselves.
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
  // What was written on while the form was on its way.
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
    // Nothing else means "stored".
    if (response.status === 201) {
      if (!written()) forget(form);
      location.assign(response.headers.get("Location"));
      return;
    }
    reason = form.dataset.refused;
    const html = response.redirected || (response.ok && form.dataset.draft) ? "" : await response.text();
    // A plain page brings a style of its own, which the policy of this page refuses aloud.
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
    const button = event.submitter ?? form.querySelector("[type=submit]");
    if (!form.querySelector("[type=submit][aria-disabled=true]")) send(form, button);
  });
}

// A browser that does not say which button was pressed (Safari before 15.4) sends forms by itself.
if ("submitter" in (globalThis.SubmitEvent?.prototype ?? {}))
  document.querySelectorAll("[data-enquiry-form]").forEach((form) => {
    keepToken(form);
    begin(form);
  });

// Scripts of what unfolds. A toggle does not bubble.
document.addEventListener("toggle", ({ target: { dataset } }) => dataset.script && import(dataset.script).catch(console.warn), true);

addEventListener("pageshow", ({ persisted }) => {
  document.querySelectorAll("[data-enquiry-form] [type=submit]").forEach(release);
  // Back to a page as it was left: what it sends now was written after what it had shown.
  if (persisted) document.querySelectorAll("[name=seen]").forEach((field) => field.remove());
});
