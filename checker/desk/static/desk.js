"use strict";
/* Keys, presence, drafts and live updates. Without this file the pages work by links and forms alone. */
const body = document.body;
const token = document.querySelector("meta[name=desk-token]").content;
const slug = body.dataset.slug || "";
const one = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

// -- live updates: one stream for each page in sight; browsers allow few at once ------------------------------
let stream = null;
let event = body.dataset.event || "";
function listen() {
  if (document.hidden || stream) return;
  stream = new EventSource(`/events?after=${event}`);
  stream.onopen = () => {
    one("[data-lost]").hidden = true;
    if (event === "") tell("all", "");
    event = "";  // from now on a new stream cannot know what was missed
  };
  stream.onerror = () => say("No connection to the desk.");
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
  form.note.value = kept.note;
  form.other.value = kept.other;
  for (const box of all("[name=condition]", form)) box.checked = kept.conditions.includes(box.value);
}
if (form) {
  restoreDraft();
  form.addEventListener("input", keepDraft);
}

// -- forms: what is sent and what is asked for goes in turn, so that no older answer replaces a newer one ------
let chain = Promise.resolve();
let isAsked = false;
let waiting = 0;
function inTurn(act) {
  waiting += 1;
  chain = chain.then(act).catch(() => say("No connection to the desk.")).finally(() => { waiting -= 1; });
}
// Whoever goes on at once does not leave before what was sent has arrived.
document.addEventListener("click", event => {
  const link = event.target.closest("a[href]");
  if (!waiting || !link || link.target || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  inTurn(() => location.assign(link.href));
});
function say(words) {
  const told = one("[data-lost]");
  told.textContent = `${words} What you type is kept in this browser.`;
  told.hidden = false;
}
function sayRefusal(text) {
  const heading = one("h1", new DOMParser().parseFromString(text, "text/html"));
  say(heading ? heading.textContent : "This was not saved.");
}
body.addEventListener("htmx:responseError", event => sayRefusal(event.detail.xhr.responseText));
function refresh() {
  if (isAsked || !one("[data-refresh]")) return;
  isAsked = true;
  inTurn(() => {
    isAsked = false;
    return htmx.ajax("GET", address(), { target: `#${one("[data-refresh]").id}`, swap: "outerHTML" });
  });
}
function address() {
  if (!search) return location.pathname + location.search;
  const wanted = new URLSearchParams([...new FormData(search)].filter(([, value]) => value));
  const query = wanted.size ? `?${wanted}` : "";
  const list = one("#list");
  const start = query === list.dataset.query && list.dataset.from !== "0" ? list.dataset.from : "";
  if (start) wanted.set("from", start);
  history.replaceState(null, "", wanted.size ? `/?${wanted}` : "/");
  return location.pathname + location.search;
}
const search = one("form.tools");
if (search) {
  let typed = 0;
  search.addEventListener("input", () => { clearTimeout(typed); typed = setTimeout(refresh, 80); });
  search.addEventListener("submit", event => { event.preventDefault(); refresh(); });
}
const TOLD = slug ? ["decision-here", "answer-here", "presence-here", "all"] : ["decision", "presence", "class", "all"];
for (const event of TOLD) body.addEventListener(`desk-${event}`, refresh);
async function send(action, fields) {
  const answer = await fetch(action, { method: "POST", body: fields, redirect: "manual", keepalive: String(fields).length < 60000 });
  const isSaved = answer.type === "opaqueredirect" || answer.ok;
  if (isSaved) one("[data-lost]").hidden = true;
  else sayRefusal(await answer.text());
  return isSaved;
}
function fieldsOf(sent, submitter) {
  const fields = new URLSearchParams(new FormData(sent));
  if (submitter && submitter.name) fields.append(submitter.name, submitter.value);
  return fields;
}
document.addEventListener("submit", event => {
  const sent = event.target;
  if (!sent.matches("[data-live]")) return;
  event.preventDefault();
  if (sent.matches(".mark")) {  // it shows at once; the answer of the desk then says what is stored
    for (const mark of all("[aria-pressed]", sent)) mark.setAttribute("aria-pressed", String(mark === event.submitter));
  }
  const fields = fieldsOf(sent, event.submitter);
  inTurn(async () => {
    // What is undone is what the page shows when its turn comes.
    if (sent.dataset.live === "undo") fields.set("based_on", one("#state [name=based_on]").value);
    if (await send(sent.action, fields) && sent === form) forget(fields);
  });
  refresh();
});
function forget(fields) {
  if (form.note.value !== fields.get("note")) return;  // something was typed since
  localStorage.removeItem(draftKey);
  form.reset();
}

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
  marks[at + 1].click();  // the last one takes the mark back
  return true;
}
// A mark shows at once; the answer of the desk then says what is stored.
document.addEventListener("submit", event => {
  if (!event.target.matches(".mark")) return;
  for (const mark of all("[aria-pressed]", event.target)) mark.setAttribute("aria-pressed", String(mark === event.submitter));
});
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
    else {
      event.preventDefault();
      openFirst();
    }
    return;
  }
  if (isTyping(target) || one("dialog[open]")) return;
  const act = KEYS[event.key] || (/^[1-9]$/.test(event.key) ? () => question(Number(event.key)) : () => press(event.key));
  if (act()) event.preventDefault();
});
// Enter in the search opens the first one, once the list shows what was typed.
function openFirst() {
  refresh();
  inTurn(async () => {
    const first = one("[data-row]");
    if (first) first.click();
  });
}
const button = one("[data-keys]");
button.hidden = false;
button.addEventListener("click", () => one("#keys").showModal());
body.classList.add("scripted");
listen();
here();
