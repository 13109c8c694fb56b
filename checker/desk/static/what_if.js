"use strict";
/* Draws a training epoch by epoch: the charts come from the desk, and are put where they belong. */
let training = null;
function follow() {
  const place = document.querySelector("[data-training]");
  if (training && training.place !== place) {
    training.source.close();
    training = null;
  }
  if (!place || training) return;
  const said = place.querySelector("[data-said]");
  const charts = place.querySelector("[data-charts]");
  const source = new EventSource(place.dataset.training);
  training = { place, source };
  source.onmessage = message => {
    const news = JSON.parse(message.data);
    if (news.charts) charts.innerHTML = news.charts;
    if (news.said) said.textContent = news.said;
    if (!news.end) return;
    source.close();
    if (news.error) {
      said.textContent = news.error;
      said.setAttribute("role", "alert");
    } else {
      htmx.trigger(place, "tried");
    }
  };
  source.onerror = () => { said.textContent = "No connection to the desk. Trying again …"; };
}
function offerUndo() {
  for (const button of document.querySelectorAll("[data-undo]")) button.hidden = false;
}
document.addEventListener("click", event => {
  if (event.target.closest("[data-undo]")) history.back();
});
document.addEventListener("htmx:afterSettle", () => { follow(); offerUndo(); });
document.addEventListener("htmx:historyRestore", () => { follow(); offerUndo(); });
addEventListener("pageshow", event => { if (event.persisted) location.reload(); });
follow();
offerUndo();
