"use strict";
const table = document.querySelector("table.cohort");
const rows = [...table.tBodies[0].rows];
const buttons = [...document.querySelectorAll(".tools button")];
const search = document.querySelector(".tools input");
const shown = document.querySelector(".tools output");
let wanted = "";

function filter() {
  const name = search.value.trim().toLowerCase();
  for (const row of rows) {
    const fits = !wanted || row.dataset.verdict === wanted;
    row.hidden = !(fits && row.cells[0].dataset.sort.includes(name));
  }
  shown.textContent = `${rows.filter(row => !row.hidden).length} of ${rows.length} shown`;
}

function order(header, column) {
  const down = header.getAttribute("aria-sort") === "ascending";
  const numeric = column > 0;
  const key = row => numeric ? Number(row.cells[column].dataset.sort) : row.cells[column].dataset.sort;
  const ranked = rows.map(row => [key(row), row]);
  ranked.sort(([a], [b]) => (numeric ? a - b : a.localeCompare(b)) * (down ? -1 : 1));
  table.tBodies[0].append(...ranked.map(([, row]) => row));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", down ? "descending" : "ascending");
}

[...table.tHead.rows[0].cells].forEach((header, column) => {
  if (header.classList.contains("plain")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.append(...header.childNodes);
  button.addEventListener("click", () => order(header, column));
  header.append(button);
});

for (const button of buttons) {
  button.disabled = false;
  button.addEventListener("click", () => {
    wanted = button.dataset.verdict;
    for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
    filter();
  });
}
search.parentElement.hidden = false;
search.addEventListener("input", filter);
