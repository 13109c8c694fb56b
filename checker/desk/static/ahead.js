"use strict";
/* Keys from "/" on, until the search of the class has the cursor. They are for its field, on the page that is left, on
   the one that comes, and on any between; none is a command. This runs before the page is there. */
const AHEAD = "desk-search";
let ahead = sessionStorage.getItem(AHEAD);
function goAhead(typed) {
  ahead = typed;
  if (typed === null) sessionStorage.removeItem(AHEAD);
  else sessionStorage.setItem(AHEAD, typed);
}
addEventListener("keydown", event => {
  const { key } = event;
  if (ahead === null || event.ctrlKey || event.altKey || event.metaKey) return;
  if (key.length > 1 && !/^(Enter|Backspace|Escape)$/.test(key)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (key === "Escape") goAhead(null);
  else if (ahead.endsWith("\n")) return;  // what was typed behind Enter
  else if (key === "Backspace") goAhead(ahead.slice(0, -1));
  else goAhead(ahead + (key === "Enter" ? "\n" : key));
}, true);
addEventListener("pageshow", event => { if (event.persisted) ahead = null; });
