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
addEventListener("pagehide", () => {
  hush();
  here("away");
  if (form && form.other.value && !isSaying(form.other.value)) {  // a key that was meant for the page
    form.other.value = "";
    keepDraft();
  }
});
addEventListener("pageshow", () => { listen(); here(); });
setInterval(here, 8000);

// -- drafts: what is typed outlives reloads, other pages, and the desk itself -------------------------------
// The form shows what counts. A draft is what differs from that.
const form = one("#decide");
const draftKey = whose => `desk-draft ${body.dataset.class} ${whose}`;
const isSaying = text => (text.match(/[\p{L}\p{N}_]/gu) || []).length > 1;
const storeNote = text => {  // even the same text, set again, takes the selection away
  if (form.note.defaultValue !== text) form.note.defaultValue = text;
};
const isNoteTyped = () => form.note.value !== form.note.defaultValue;
function keepDraft() {
  const changed = all("[name=condition]", form).filter(box => box.checked !== box.defaultChecked);
  const kept = { other: form.other.value, boxes: changed.map(box => [box.value, box.checked]) };
  if (isNoteTyped()) kept.note = form.note.value;
  if (isNoteTyped() || kept.other || changed.length) localStorage.setItem(draftKey(slug), JSON.stringify(kept));
  else localStorage.removeItem(draftKey(slug));
}
function restoreDraft() {
  const kept = JSON.parse(localStorage.getItem(draftKey(slug)) || "null");
  if (!kept) return;
  if (kept.note !== undefined && kept.note !== form.note.value) form.note.value = kept.note;
  form.other.value = kept.other;
  const boxes = new Map(kept.boxes);
  for (const box of all("[name=condition]", form)) box.checked = boxes.get(box.value) ?? box.checked;
}
function forget(sent) {  // what was stored is no draft any more, unless something was typed since
  storeNote(sent.get("note"));
  for (const box of all("[name=condition]", form)) {
    if (box.checked === sent.getAll("condition").includes(box.value)) box.defaultChecked = box.checked;
  }
  const isAsked = !["tick", "absent"].includes(sent.get("choice"));  // the others have conditions
  if (isAsked && form.other.value === sent.get("other")) form.other.value = "";
  keepDraft();
}
// What the desk sent stands in the form, under what was typed here.
function update() {
  const isTyped = isNoteTyped();
  storeNote(one("#state").dataset.note);
  if (!isTyped) form.note.value = form.note.defaultValue;
  restoreDraft();
  keepDraft();
}
if (form) {
  restoreDraft();
  keepDraft();
  form.addEventListener("input", () => {
    isWarned = false;
    tellThat("");
    keepDraft();
  });
}
function showDrafts() {
  for (const row of all("[data-row]")) {
    const isDraft = localStorage.getItem(draftKey(row.id.replace("row-", "")));
    if (!isDraft || one(".draft", row.parentNode)) continue;
    row.insertAdjacentHTML("afterend", ' <span class="here draft" title="typed here and not saved">draft</span>');
  }
}
showDrafts();
document.addEventListener("htmx:afterSettle", () => form ? update() : showDrafts());

// -- forms: what is sent and what is asked for goes in turn, so that no older answer replaces a newer one ------
let chain = Promise.resolve();
let isAsked = false;
let waiting = 0;
function inTurn(act) {
  waiting += 1;
  chain = chain.then(act).catch(() => say("No connection to the desk.")).finally(() => { waiting -= 1; release(); });
}
// Keys that need the page as the desk knows it wait for what is under way. On a page that is left they mean nothing.
let held = [];
let isLeaving = false;
function hold(act) {
  held.push(act);
  release();
  return true;
}
function release() {
  while (!waiting && !isLeaving && held.length) held.shift()();
}
addEventListener("pageshow", () => { isLeaving = false; });
function leave() {
  isLeaving = true;
  held = [];
  setTimeout(() => { isLeaving = false; }, 3000);  // a page that does not come leaves this one in use
}
// Whoever goes on at once does not leave before what was sent has arrived.
document.addEventListener("click", event => {
  const link = event.target.closest("a[href]");
  if (!link || link.target || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.hash && link.pathname === location.pathname) return;
  if (!waiting) { leave(); return; }
  event.preventDefault();
  hold(() => { leave(); location.assign(link.href); });
});
function say(words) {
  held = [];  // they were meant for what has failed
  if (ahead !== null) setTimeout(() => goAhead(null), 2000);  // the rest of the name is no command
  const told = one("[data-lost]");
  told.textContent = `${words} What you type is kept in this browser.`;
  told.hidden = false;
}
function sayRefusal(text) {
  const heading = one("h1", new DOMParser().parseFromString(text, "text/html"));
  const field = heading && form && form.elements[heading.dataset.field];
  if (!field) {
    say(heading ? heading.textContent : "This was not saved.");
    return;
  }
  held = [];
  tellThat(heading.textContent, true);
  field.focus();
  field.select();
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
  search.addEventListener("input", () => {
    for (const told of all("[data-nobody]")) told.remove();
    clearTimeout(typed);
    typed = setTimeout(refresh, 80);
  });
  search.addEventListener("submit", event => { event.preventDefault(); refresh(); });
}
const TOLD = slug ? ["decision-here", "answer-here", "presence-here", "all"] : ["decision", "presence", "class", "all"];
for (const event of TOLD) body.addEventListener(`desk-${event}`, refresh);
async function send(action, fields) {
  const answer = await fetch(action, { method: "POST", body: fields, redirect: "manual", keepalive: String(fields).length < 60000 });
  const text = answer.type === "opaqueredirect" ? "" : await answer.text();
  const isSaved = answer.type === "opaqueredirect" || answer.ok;
  if (!isSaved) sayRefusal(text);
  else {
    one("[data-lost]").hidden = true;
    if (text) tellThat(one("[data-said]", new DOMParser().parseFromString(text, "text/html")).textContent);
  }
  return isSaved;
}
function tellThat(words, isRefusal = false) {
  const told = one("[data-said]");
  told.textContent = words;
  told.hidden = !words;
  told.classList.toggle("warn", isRefusal);
  told.scrollIntoView({ block: "nearest" });
}
function fieldsOf(sent, submitter) {
  const fields = new URLSearchParams(new FormData(sent));
  if (submitter && submitter.name) fields.append(submitter.name, submitter.value);
  return fields;
}
const isChosen = () => one("[name=condition]:checked", form) || form.other.value.trim() || form.note.value.trim();
let isWarned = false;  // whoever resubmits without a word is asked once
document.addEventListener("submit", event => {
  const sent = event.target;
  if (!sent.matches("[data-live]")) return;
  event.preventDefault();
  if (sent.matches(".mark")) {  // it shows at once; the answer of the desk then says what is stored
    for (const mark of all("[aria-pressed]", sent)) mark.setAttribute("aria-pressed", String(mark === event.submitter));
  }
  const fields = fieldsOf(sent, event.submitter);
  if (sent === form && fields.get("choice") === "resubmit" && !isChosen() && !isWarned) {
    isWarned = true;
    tellThat("No condition chosen: again to save.", true);
    return;
  }
  isWarned = false;
  tellThat("");
  if (sent === form && asking()) document.activeElement.blur();  // the next keys are for the page again
  inTurn(async () => {
    // What is undone is what the page shows when its turn comes.
    if (sent.dataset.live === "undo") fields.set("based_on", one("#state [name=based_on]").value);
    if (await send(sent.action, fields) && sent === form) forget(fields);
  });
  refresh();
});

// -- keys ------------------------------------------------------------------------------------------------
const isTyping = element => element.matches("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])");
const press = key => {
  const wanted = one(`[data-key="${key}"]`);
  const why = one(`[data-none="${key}"]`);
  if (!wanted && why) tellThat(why.textContent);
  if (!wanted) return Boolean(why);
  if (wanted.matches("summary")) wanted.focus();
  wanted.click();
  return true;
};
const ASKED = "[name=condition], [name=other]";
const LAST = "desk-last";  // whoever comes from a student goes on in the list from there
if (slug) sessionStorage.setItem(LAST, slug);
const asking = () => form && one("#conditions", form).contains(document.activeElement);
function move(step, kinds = "[name=condition]") {  // letters keep to the boxes; arrows reach the text, too
  const rows = asking() ? all(kinds, form) : all("[data-row]");
  if (!rows.length) return false;
  const at = rows.indexOf(document.activeElement);
  const first = asking() ? -1 : rows.findIndex(row => row.id === `row-${sessionStorage.getItem(LAST)}`);
  const next = rows[at < 0 ? (first >= 0 ? first : step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + step, 0), rows.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
}
// The search from anywhere. What is typed before the class is there waits in ahead.js.
function toSearch() {
  if (search) {
    search.text.focus();
    search.text.select();
    return true;
  }
  goAhead("");
  isLeaving = false;  // whoever searches does not go where they were about to go
  const home = one(".home[href^='/?']");
  return hold(() => { leave(); location.assign(home ? home.href : "/"); });
}
function arrive() {
  const typed = ahead;
  if (typed === null) return;
  if (!search) {  // another page came first
    toSearch();
    goAhead(typed);
    return;
  }
  goAhead(null);
  toSearch();
  if (!typed) return;
  search.text.value = typed.trimEnd();
  if (typed.endsWith("\n")) openFirst();
  else refresh();
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
let isLed = false;
function leadToConditions() {
  const boxes = all("[name=condition]", form);
  if (asking() || isWarned || (isLed && isChosen())) return false;
  isLed = true;
  (boxes[0] || form.other).focus();
  return true;
}
function lead(key) {
  const place = one(`[data-focus="${key}"]`);
  const first = place && all("a, select, input:not([type=hidden])", place)[0];
  if (first) first.focus();
  return Boolean(first);
}
const KEYS = {
  "/": toSearch,
  j: () => move(1) || press("j"),
  k: () => move(-1) || press("k"),
  ArrowDown: () => move(1, ASKED),
  ArrowUp: () => move(-1, ASKED),
  r: () => Boolean(form) && (leadToConditions() || hold(() => press("r"))),
  f: () => lead("f"),
  p: () => lead("p"),
  m: () => { if (form) form.note.focus(); return Boolean(form); },
  "?": () => { one("#keys").showModal(); return true; },
};
const NOW = new Set(["/", "m", "r", "f", "p", "?"]);  // they only move the focus
document.addEventListener("keydown", event => {
  const target = document.activeElement || body;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && target.matches("[name=note]")) {
    target.blur();
    hold(() => one("[data-keep]").click());
    return;
  }
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (event.key === "Escape" && isTyping(target)) {
    target.blur();
    return;
  }
  if (event.key === "Enter" && target.matches("[name=condition], [name=other]")) {
    event.preventDefault();
    if (isTyping(target)) target.blur();  // the next keys are no text
    hold(() => press("r"));
    return;
  }
  const choices = target.closest("[data-focus=p]");
  if (choices && /^Arrow/.test(event.key)) {
    event.preventDefault();
    const links = all("a", choices);
    const next = links[links.indexOf(target) + (/Down|Right/.test(event.key) ? 1 : -1)];
    if (next) next.focus();
    return;
  }
  if (target.matches("[name=other]") && /^Arrow(Up|Down)$/.test(event.key)) {
    event.preventDefault();
    move(event.key === "ArrowUp" ? -1 : 1, ASKED);
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
  if (isTyping(target) || one("dialog[open]") || (isLeaving && event.key !== "/")) return;
  const act = KEYS[event.key] || (/^[1-9]$/.test(event.key) ? () => question(Number(event.key)) : () => press(event.key));
  const isHeld = /^[a-z1-9]$/.test(event.key) && !NOW.has(event.key);
  const isMove = "jk".includes(event.key);
  if (event.repeat && isHeld && !isMove) return;
  if (isHeld && waiting && !(isMove && asking())) hold(act);
  else if (!act()) return;
  event.preventDefault();
});
// Enter in the search opens the first one, once the list shows what was typed. Who goes on from there has found whom
// they searched for, so only the filters stay.
function openFirst() {
  refresh();
  inTurn(async () => {
    const first = one("[data-row]");
    if (!first) return;
    const to = new URL(first.href);
    to.searchParams.delete("text");
    leave();
    location.assign(to.href);
  });
}
const variant = one("form.variant");
if (variant) variant.addEventListener("submit", () => document.activeElement.blur());  // the next keys are for the page
const button = one("[data-keys]");
button.hidden = false;
button.addEventListener("click", () => one("#keys").showModal());
body.classList.add("scripted");
listen();
here();
arrive();
