"use strict";
const table = document.querySelector("table.cohort");
const tools = document.querySelector(".tools");
const buttons = [...tools.querySelectorAll("button")];
const search = tools.querySelector("input");
const [decision, rule] = ["decision", "rule"].map(name => tools.querySelector(`[name=${name}]`));
const said = tools.querySelector("output");
const plain = text => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const entries = [...table.tBodies[0].rows].map(row => ({
  row,
  verdict: row.dataset.verdict,
  decision: row.dataset.decision,
  rules: row.dataset.rules.split(" "),
  name: plain(row.cells[0].textContent),
}));
let verdict = "", order = "";

function say() {
  said.textContent = `${entries.filter(entry => !entry.row.hidden).length} of ${entries.length} shown${order}`;
}

function filter() {
  const name = plain(search.value.trim()), decided = decision.value, missed = rule ? rule.value : "";
  for (const entry of entries) {
    const fits = (!verdict || entry.verdict === verdict) && (!decided || entry.decision === decided);
    entry.row.hidden = !(fits && (!missed || entry.rules.includes(missed)) && entry.name.includes(name));
  }
  say();
}

function sort(header) {
  const down = header.getAttribute("aria-sort") === "ascending", sign = down ? -1 : 1;
  const key = entry => entry.row.cells[header.cellIndex].dataset.sort;
  const compare = header.dataset.key === "number" ? (a, b) => a - b : new Intl.Collator().compare;
  entries.sort((a, b) => sign * compare(key(a), key(b)));
  table.tBodies[0].append(...entries.map(entry => entry.row));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", down ? "descending" : "ascending");
  order = `, by ${header.textContent.toLowerCase()}, ${down ? "descending" : "ascending"}`;
  say();
}

function press(button) {
  verdict = button.dataset.verdict;
  for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
}

for (const header of table.tHead.querySelectorAll("[data-key]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...header.childNodes);
  button.addEventListener("click", () => sort(header));
  header.append(button);
}
for (const button of buttons) button.addEventListener("click", () => { press(button); filter(); });
for (const link of document.querySelectorAll("[data-rule]")) link.addEventListener("click", () => {
  rule.value = link.dataset.rule;
  search.value = decision.value = "";
  press(buttons[0]);
  filter();
});
for (const control of [search, decision, rule]) if (control) control.addEventListener("input", filter);
tools.hidden = false;

if ("live" in document.querySelector("main").dataset) setInterval(() => {
  // A reload would take away what the reader has chosen.
  const isAsItCame = !verdict && !order && ![search, decision, rule].some(control => control && control.value);
  if (isAsItCame && !tools.contains(document.activeElement)) location.reload();
}, 10_000);
