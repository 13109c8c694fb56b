"""The what-if page: a student's network as a form, curves as they come, and the result of each change.

Theory of operation: an address says everything about a variant, so it can be shared, and the browser's Back button is
the undo. A page that names a variant begins to train it, unless that was tried before. A script then follows the epochs
as server-sent events; their charts are drawn here. Without scripts a link waits for the end.
"""

import asyncio
import json
import statistics
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from markupsafe import Markup, escape
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from checker.desk import pages
from checker.desk.desk import Desk, desk_of, form_of, row_of, session_of
from checker.errors import CheckerError, EvidenceError, UsageError
from checker.keras_spec.architectures import describe_layer, output_activation, own_activation
from checker.records.codec import from_json, to_json
from checker.records.comparison import Comparison
from checker.records.decisions import KeptTrial
from checker.records.roster import Row
from checker.records.training import Epoch
from checker.records.variants import Tried, Variant
from checker.report import curves, sentences
from checker.run import answers
from checker.run.what_ifs import Trying, WhatIfs
from checker.scoring import metrics
from checker.whatif import changes, directions, forms, presets, recipes
from checker.whatif.originals import Original
from checker.whatif.refusal import RefusedError

NOTHING: dict[str, Any] = {"card": None, "live": "", "error": "", "is_unchanged": False, "beside": (), "charts": ()}
NOTHING |= {"networks": (), "choice": None, "direction": None, "may_advise": False}
"""Template variables of a page without results."""
MOST_BESIDE = 3
"""Maximum number of other variants beside the page's own."""
WAIT_SECONDS = 600.0
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Asked:
    """What an address asks for: a variant, and others beside it, each as its own fields."""

    fields: tuple[tuple[str, str], ...]
    beside: tuple[str, ...]

    @property
    def variant(self) -> Variant:
        """The variant; raises RefusedError for nonsense."""
        return forms.parse(self.fields)

    def with_variant(self, variant: Variant, beside: Sequence[str] | None = None) -> str:
        """Return the query of another variant, with the same ones beside it, or others."""
        kept = self.beside if beside is None else beside
        query = urlencode([*forms.items(variant), *(("beside", one) for one in kept)])
        return f"?{query}" if query else ""


def asked(request: Request) -> Asked:
    """Return what an address asks for."""
    given = request.query_params.multi_items()
    fields = tuple((key, value) for key, value in given if key not in ("beside", "wait"))
    beside = dict.fromkeys(value[:2_000] for key, value in given if key == "beside")
    return Asked(fields, tuple(beside)[-MOST_BESIDE:])


# -- the page ------------------------------------------------------------------------------------------------


def show(request: Request) -> Response:
    """Return the page, or the part of it that tells what came of a change."""
    row, want = row_of(request), asked(request)
    base = f"/student/{row.slug}/what-if"
    names: dict[str, Any] = {"row": row, "base": base, "of": desk_of(request).results.now()} | NOTHING
    names["kept"] = kept(desk_of(request), row)
    try:
        what_ifs = desk_of(request).workshop.open()
        names["networks"] = what_ifs.networks(row.slug)
        names["choice"] = answers.choices(desk_of(request).results.folder).get(row.slug)
        original = what_ifs.original(row.slug)
        names["direction"] = what_ifs.direction(row.slug)
        report = desk_of(request).results.report(row.slug)
        names["may_advise"] = directions.wanted(report)
    except CheckerError as error:
        return pages.render(request, "desk/what_if.html", problem=error, **names)
    try:
        variant = what_ifs.reduced(row.slug, want.variant)
        said = _told(request, what_ifs, row, want, variant)
        refusal = None
    except RefusedError as error:
        variant, said, refusal = _shown(want), {}, error
    here = f"{base}{want.with_variant(variant)}"
    bar = original.settings.assignment.bar
    names |= said | {"here": escape(here), "refusal": refusal, "words": changes.in_words(original, variant)}
    unit = metrics.find(bar.metric, bar.unit).unit
    names |= {"loss": sentences.loss_in_words(report), "watches": original.recipe.development, "value": unit.value}
    names["against_bar"] = lambda tried: against_bar(tried, report.comparison, unit.value)
    if pages.is_part(request, "tried"):
        part = pages.render(request, "desk/tried.html", **names)
        is_there = request.headers.get("hx-current-url", "").endswith(here)  # a second would undo nothing
        part.headers["HX-Push-Url"] = "false" if is_there else here
        return part
    buttons = presets.presets(original)
    names |= _form(original, variant) | {"presets": _addressed(buttons, want, base), "reasons": _reasons(buttons)}
    return pages.render(request, "desk/what_if.html", problem=None, **names)


def _shown(want: Asked) -> Variant:
    """Return the variant for the form after a refusal: the unchanged network if it cannot be read."""
    with suppress(RefusedError):
        return want.variant
    return Variant()


def _told(request: Request, what_ifs: WhatIfs, row: Row, want: Asked, variant: Variant) -> dict[str, Any]:
    """Return a variant's result, or where to watch it; for the unchanged network, its charts."""
    gathered = what_ifs.gathered(row.slug)
    before = [run.history for run in gathered.evidence.runs if run.seed in gathered.evidence.seeds]
    beside = [_card(what_ifs, row, one, before) for one in want.beside]
    base, names = f"/student/{row.slug}/what-if", dict[str, Any]()
    names["beside"] = [
        (card, escape(f"{base}{want.with_variant(variant, [of for of in want.beside if of != card.query])}"))
        for card in beside
        if card is not None
    ]
    if variant == Variant():
        epochs = what_ifs.original(row.slug).epochs
        return names | {"charts": curves.compared(before, [], epochs), "is_unchanged": True}
    result = what_ifs.known(row.slug, variant)
    error = ""
    if result is None:
        trying = what_ifs.ask(row.slug, variant, session_of(request).id)
        if request.query_params.get("wait"):
            trying.wait(WAIT_SECONDS)
        result, error = trying.result, trying.error
    if result is None:
        drawn = curves.compared(before, [], planned(what_ifs.original(row.slug), variant))
        query = want.with_variant(variant)
        live = "" if error else f"{base}/live{want.with_variant(variant, [])}"
        return names | {"charts": drawn, "live": escape(live), "wait": escape(f"{base}{query}&wait=1"), "error": error}
    query = urlencode(forms.items(variant))
    pinned = [*(of for of in want.beside if of != query), query][-MOST_BESIDE:]
    pin = f"{base}{want.with_variant(Variant(), pinned)}"
    return (
        names
        | {"card": _drawn(result, before, query), "pin": escape(pin), "fields": escape(query)}
        | {"is_kept": any(one.address == escape(f"?{query}") for one in kept(desk_of(request), row))}
    )


def against_bar(tried: Tried, compared: Comparison | None, in_words: Callable[[float], str]) -> str:
    """Return on which side of the report's bar a variant's mean score lies; "" if that bar is not of the same seeds."""
    scores = {of.seed: of.score for of in tried.seeds if of.score is not None}
    if compared is None or scores.keys() != {of.seed for of in compared.scores}:
        return ""
    mean = statistics.fmean(scores.values())
    reaches = mean >= compared.bar if compared.higher_is_better else mean <= compared.bar
    missed = "below" if compared.higher_is_better else "larger than"
    return f"{'Reaches' if reaches else missed.capitalize()} the bar of {in_words(compared.bar)}."


def planned(original: Original, variant: Variant) -> int:
    """Return how many epochs a variant is to be trained for."""
    return sum(phase.epochs for phase in changes.apply(original, variant).recipe.phases)


@dataclass(frozen=True)
class Card:
    """A variant that was tried, with its charts. ``query``: its fields as an address has them."""

    tried: Tried
    charts: list[tuple[str, Markup]]
    query: str

    @property
    def fields(self) -> Markup:
        """The query as a field of a form holds it."""
        return escape(self.query)

    @property
    def address(self) -> Markup:
        """The query as it stands in a page."""
        return escape(f"?{self.query}")


def _card(what_ifs: WhatIfs, row: Row, query: str, before: Sequence[curves.History]) -> Card | None:
    """Return a variant that an address names beside the one on the page, if it was tried."""
    with suppress(RefusedError):
        variant = forms.parse(parse_qsl(query, max_num_fields=forms.MOST_FIELDS))
        found = what_ifs.known(row.slug, variant)
        return _drawn(found, before, query) if found else None
    return None


def _drawn(tried: Tried, before: Sequence[curves.History], query: str) -> Card:
    after = [of.history for of in tried.seeds]
    return Card(tried, curves.compared(before, after, max((of.epochs for of in tried.seeds), default=1)), query)


# -- the form ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LayerRow:
    """A layer in the form; None where it has no such setting, or a form may not change it."""

    number: int
    words: str
    units: int | None
    activation: str | None
    rate: float | None
    is_dropped: bool
    may_go: bool


def _form(original: Original, variant: Variant) -> dict[str, Any]:
    changed = {of.at: of for of in variant.layers}
    first, rate = original.recipe.phases[0], recipes.learning_rate(original.recipe)
    last = max((at for at, layer in enumerate(original.layers, 1) if "units" in layer.config), default=0)
    rows = []
    for at, layer in enumerate(original.layers, 1):
        change = changed.get(at)
        units, own, dropout = layer.config.get("units"), own_activation(layer), layer.config.get("rate")
        has_activation = "activation" in layer.config or own != "linear"
        rows.append(
            LayerRow(
                number=at,
                words=describe_layer(layer),
                units=None if not isinstance(units, int) or at == last else (change and change.units) or units,
                activation=((change and change.activation) or own) if has_activation else None,
                rate=_rate(change.rate if change else None, dropout),
                is_dropped=change is not None and change.drop,
                may_go=at != last,
            )
        )
    return {
        "layers": rows,
        "added": [*variant.added, *([] if len(variant.added) >= forms.MOST_ADDED else [None])],
        "places": range(last),
        "activations": forms.ACTIVATIONS,
        "kinds": forms.KINDS,
        "optimizers": list(dict.fromkeys([first.optimizer.class_name, *forms.OPTIMIZERS])),
        "own_optimizer": first.optimizer.class_name,
        "own_rate": rate,
        "optimizer": variant.optimizer or first.optimizer.class_name,
        "learning_rate": variant.learning_rate or ("" if variant.optimizer or rate is None else rate),
        "batch_size": variant.batch_size or first.batch_size,
        "epochs": variant.epochs or original.epochs,
        "patience": changes.patience(original) if variant.patience is None else variant.patience,
        "scaling": variant.scaling or "",
        "columns": [(name, name in variant.without) for name in original.columns],
        "seeds": [(seed, seed in variant.seeds) for seed in original.settings.seeds],
        "output": output_activation(original.architecture),
    }


def _rate(changed: float | None, own: object) -> float | None:
    if not isinstance(own, int | float):
        return None
    return float(own) if changed is None else changed


def _addressed(buttons: Sequence[presets.Preset], want: Asked, base: str) -> list[tuple[presets.Preset, str]]:
    """Return presets, each with its address; "" for one that cannot be tried."""
    return [(one, escape(f"{base}{want.with_variant(one.variant)}") if one.variant else "") for one in buttons]


def _reasons(buttons: Sequence[presets.Preset]) -> dict[str, list[str]]:
    """Return the names of the presets that cannot be tried, by the reason."""
    found = dict[str, list[str]]()
    for one in buttons:
        if one.variant is None:
            found.setdefault(one.reason, []).append(one.name)
    return found


# -- live ------------------------------------------------------------------------------------------------------


async def live(request: Request) -> Response:
    """Return the epochs of a training as they come: charts, and how far it is."""
    row, want, person = row_of(request), asked(request), session_of(request).id
    workshop = desk_of(request).workshop

    def begin() -> tuple[Trying, Drawing]:
        what_ifs = workshop.open()
        original, gathered = what_ifs.original(row.slug), what_ifs.gathered(row.slug)
        trying = what_ifs.ask(row.slug, want.variant, person)
        before = [run.history for run in gathered.evidence.runs if run.seed in gathered.evidence.seeds]
        return trying, Drawing(
            before, planned(original, trying.variant), trying.variant.seeds or original.settings.seeds
        )

    async def stream() -> AsyncIterator[str]:
        try:
            trying, drawing = await run_in_threadpool(begin)
        except CheckerError as error:
            yield _event({"end": True, "error": error.message})
            return
        drawn = 0
        while True:
            has_ended, epochs = trying.has_ended, trying.look()
            if len(epochs) > drawn:
                drawn = len(epochs)
                yield _event(await run_in_threadpool(drawing.of, epochs))
            if has_ended:
                yield _event({"end": True, "error": trying.error})
                return
            await asyncio.sleep(LOOK_SECONDS)

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@dataclass(frozen=True)
class Drawing:
    """Draws, over the original's histories, a training that is still running."""

    before: Sequence[curves.History]
    epochs: int
    seeds: Sequence[int]

    def of(self, epochs: Sequence[Epoch]) -> dict[str, Any]:
        """Return the charts of these epochs, and how far the training is, in words."""
        charts = curves.compared(self.before, list(histories(epochs).values()), self.epochs, is_running=True)
        template = pages.environment().get_template("desk/charts.html")
        last = epochs[-1]
        said = f"Seed {last.seed}, epoch {last.at} of {self.epochs:,}"
        if len(self.seeds) > 1:
            number = self.seeds.index(last.seed) + 1 if last.seed in self.seeds else 1
            said = f"Training {number} of {len(self.seeds)}: {said[0].lower()}{said[1:]}"
        return {"charts": template.render(charts=charts), "said": f"{said}."}


def histories(epochs: Sequence[Epoch]) -> dict[int, dict[str, list[float | None]]]:
    """Return the history of each seed. An epoch that is sent again replaces the first version."""
    found: dict[int, dict[str, list[float | None]]] = {}
    for epoch in epochs:
        history = found.setdefault(epoch.seed, {})
        for name, value in epoch.values.items():
            series = history.setdefault(name, [])
            series[epoch.at - 1 :] = [value]
    return found


def _event(content: dict[str, Any]) -> str:
    return f"data: {json.dumps(content)}\n\n"


# -- keeping ---------------------------------------------------------------------------------------------------


def keep(request: Request) -> Response:
    """Keep a variant and what came of it with the record of the session."""
    row, form, desk = row_of(request), form_of(request), desk_of(request)
    try:
        variant = forms.parse(parse_qsl(form.first("variant"), max_num_fields=forms.MOST_FIELDS))
        found = desk.workshop.open().known(row.slug, variant)
    except (RefusedError, ValueError) as error:
        raise HTTPException(400, f"Nothing was kept. {error}") from error
    if found is None:
        raise HTTPException(
            409, "This what-if was not trained yet, or its student's evidence has changed: try it again."
        )
    small = replace(found, seeds=tuple(replace(of, history={}) for of in found.seeds))
    desk.log.keep_trial(row.student, to_json(variant).decode(), to_json(small).decode(), session_of(request).name)
    desk.hub.publish("answer", row.slug)
    query = urlencode(forms.items(variant))
    return RedirectResponse(f"/student/{row.slug}/what-if?{query}", 303)


@dataclass(frozen=True)
class Kept:
    """A what-if that was kept. ``address``: where it can be tried again, "" if another version wrote it."""

    change: str
    sentence: str
    by: str
    at: str
    address: str


def kept(desk: Desk, row: Row) -> list[Kept]:
    """Return the what-ifs that were kept for a student, in order."""
    return [_kept(one) for one in desk.log.kept_trials(row.student)]


def make_answer(request: Request) -> Response:
    """Make another network of the file the answer, and go back to the student's page, which then shows its verdict."""
    row, form, desk = row_of(request), form_of(request), desk_of(request)
    number = form.first("network")
    if not (number.isascii() and number.isdecimal() and len(number) < 9):
        raise HTTPException(400, "This names no network; nothing was changed.")
    try:
        desk.workshop.open().make_answer(row.slug, int(number), session_of(request).name)
    except UsageError as error:
        raise HTTPException(409, f"{error.message} {error.help}".strip()) from error
    desk.look()
    return RedirectResponse(f"/student/{row.slug}", 303)


def advise(request: Request) -> Response:
    """Try what helps a submission below the bar, and show it."""
    row, desk = row_of(request), desk_of(request)
    try:
        desk.workshop.open().advise(row.slug, desk.results.report(row.slug), session_of(request).id)
    except UsageError as error:
        raise HTTPException(409, f"{error.message} {error.help}".strip()) from error
    return RedirectResponse(f"/student/{row.slug}/what-if#direction", 303)


def _kept(one: KeptTrial) -> Kept:
    try:
        tried = from_json(Tried, one.result)
    except EvidenceError:
        return Kept("a what-if", "another version of the checker wrote what came of it.", one.by, one.at, "")
    return Kept(tried.change, tried.sentence, one.by, one.at, escape(f"?{urlencode(forms.items(tried.variant))}"))


ROUTES = (
    Route("/student/{slug}/what-if", show),
    Route("/student/{slug}/what-if/live", live),
    Route("/student/{slug}/what-if/keep", keep, methods=["POST"]),
    Route("/student/{slug}/what-if/answer", make_answer, methods=["POST"]),
    Route("/student/{slug}/what-if/advice", advise, methods=["POST"]),
)
