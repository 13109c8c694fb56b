"use strict";
/* Keys, presence, drafts and live updates. Without this file the pages work by links and forms alone. */
const body = document.body;
const token = document.querySelector("meta[name=desk-token]").content;
const slug = body.dataset.slug || "";
const one = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

// -- live updates: one stream for each page in sight; browsers allow few at once ------------------------------
let stream = null;
function listen() {
  if (document.hidden || stream) return;
  let wasOpen = false;
  stream = new EventSource("/events");
  stream.onopen = () => {
    one("[data-lost]").hidden = true;
    if (wasOpen || listen.again) tell("all", "");
    wasOpen = listen.again = true;
  };
  stream.onerror = () => { one("[data-lost]").hidden = false; };
  stream.onmessage = message => {
    const { event, slug: whose } = JSON.parse(message.data);
    tell(event, whose);
  };
}
function tell(event, whose) {
  body.dispatchEvent(new CustomEvent(`desk-${event}`, { detail: { slug: whose } }));
  if (slug && whose === slug) body.dispatchEvent(new CustomEvent(`desk-${event}-here`));
}
function hush() {
  if (stream) stream.close();
  stream = null;
}

// -- presence --------------------------------------------------------------------------------------------
function here(away = "") {
  if (!slug || (document.hidden && !away)) return;
  fetch(`/student/${slug}/here`, { method: "POST", body: new URLSearchParams({ token, away }), keepalive: true })
    .catch(() => {});
}
document.addEventListener("visibilitychange", () => {
  if (document.hidden) hush();
  else { listen(); here(); }
});
addEventListener("pagehide", () => { hush(); here("away"); });
addEventListener("pageshow", () => { listen(); here(); });
setInterval(here, 8000);

// -- drafts: what is typed outlives reloads, other pages, and the desk itself -------------------------------
const form = one("#decide");
const draftKey = form && `desk-draft ${body.dataset.class} ${slug}`;
function draft() {
  return { note: form.note.value, other: form.other.value,
    conditions: all("[name=condition]:checked", form).map(box => box.value) };
}
function keepDraft() {
  const { note, other, conditions } = draft();
  if (note || other || conditions.length) localStorage.setItem(draftKey, JSON.stringify(draft()));
  else localStorage.removeItem(draftKey);
}
function restoreDraft() {
  const kept = JSON.parse(localStorage.getItem(draftKey) || "null");
  if (!kept) return;
  if (kept.sent && kept.note === one("#state").dataset.saved) {
    localStorage.removeItem(draftKey);
    return;
  }
  form.note.value = kept.note;
  form.other.value = kept.other;
  for (const box of all("[name=condition]", form)) box.checked = kept.conditions.includes(box.value);
}
if (form) {
  restoreDraft();
  form.addEventListener("input", keepDraft);
  form.addEventListener("submit", () => {
    if (localStorage.getItem(draftKey)) localStorage.setItem(draftKey, JSON.stringify({ ...draft(), sent: true }));
  });
  form.addEventListener("htmx:afterRequest", event => {
    if (event.detail.elt !== form || !event.detail.successful) return;
    localStorage.removeItem(draftKey);
    form.reset();
  });
}

// A refused or failed request shows its page, which has the words and what was typed.
document.addEventListener("htmx:beforeSwap", event => {
  if (event.detail.xhr.status < 400) return;
  event.detail.shouldSwap = false;
  const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  const heading = one("h1", page);
  const told = one("[data-lost]");
  told.textContent = `${heading ? heading.textContent : "This was not saved."} What you typed is still here.`;
  told.hidden = false;
});
document.addEventListener("htmx:sendError", () => { one("[data-lost]").hidden = false; });

// -- keys ------------------------------------------------------------------------------------------------
const isTyping = element => element.matches("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])");
const press = key => {
  const wanted = one(`[data-key="${key}"]`);
  if (!wanted) return false;
  if (wanted.matches("summary")) wanted.focus();
  wanted.click();
  return true;
};
function move(step) {
  const rows = all("[data-row]");
  if (!rows.length) return false;
  const at = rows.indexOf(document.activeElement);
  const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + step, 0), rows.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
}
let asked = 0;
function question(number) {
  const item = one(`[data-question="${number}"]`);
  if (!item) return false;
  if (asked !== number) {
    asked = number;
    for (const other of all("[data-question]")) {
      other.classList.toggle("current", other === item);
      one("details", other).open = other === item;
    }
    item.focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
    return true;
  }
  const marks = all(".mark button", item);
  const at = marks.findIndex(mark => mark.getAttribute("aria-pressed") === "true");
  (marks[at + 1] || marks[at]).click();  // the pressed one once more takes the mark back
  return true;
}
function resubmit() {
  const boxes = all("[name=condition]", form);
  const isChosen = boxes.some(box => box.checked) || form.other.value.trim() || form.note.value.trim();
  if (isChosen || one("fieldset", form).contains(document.activeElement)) return false;
  (boxes[0] || form.other).focus();
  return true;
}
const KEYS = {
  "/": () => {
    const search = one("input[type=search]");
    if (!search) return press("c");
    search.focus();
    search.select();
    return true;
  },
  j: () => move(1) || press("j"),
  k: () => move(-1) || press("k"),
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  r: () => Boolean(form) && (resubmit() || press("r")),
  m: () => { if (form) form.note.focus(); return Boolean(form); },
  "?": () => { one("#keys").showModal(); return true; },
};
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const target = document.activeElement || body;
  if (event.key === "Escape" && isTyping(target)) {
    target.blur();
    return;
  }
  if (event.key === "Enter" && target.matches("[name=condition], [name=other]")) {
    event.preventDefault();
    press("r");
    return;
  }
  if (target.matches("input[type=search]") && (event.key === "ArrowDown" || event.key === "Enter")) {
    if (event.key === "ArrowDown") { if (move(1)) event.preventDefault(); }
    else if (openOnly()) event.preventDefault();
    return;
  }
  if (isTyping(target) || one("dialog[open]")) return;
  const act = KEYS[event.key] || (/^[1-9]$/.test(event.key) ? () => question(Number(event.key)) : () => press(event.key));
  if (act()) event.preventDefault();
});
// Enter in the search opens the first one, once the list shows what was typed.
function openOnly() {
  const search = one("input[type=search]");
  const list = one("#list");
  const go = () => { const first = one("[data-row]"); if (first) first.click(); };
  if (list.dataset.text === search.value) { go(); return true; }
  document.addEventListener("htmx:afterSettle", go, { once: true });
  return false;
}
const button = one("[data-keys]");
button.hidden = false;
button.addEventListener("click", () => one("#keys").showModal());
body.classList.add("scripted");
listen();
here();
