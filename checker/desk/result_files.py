"""The files of the results that the desk serves unchanged: pages and scripts of a few kinds, in a sandbox.

Theory of operation: a report page quotes a student's text. Even if a fault in the page let that text run as a script,
the sandbox blocks scripts, forms and the origin, so it could not tick. An address holds a kind and a name instead of a
path, and the name must be that of a submission.
"""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from checker.desk.desk import desk_of
from checker.report.html import LINKS
from checker.run import earlier

SANDBOX = "sandbox; frame-ancestors 'none'"
KINDS = {
    ("reports", ".html"): "text/html",
    ("students", ".html"): "text/html",
    ("reproduce", ".py"): "text/plain",
    ("reproduce", ".npz"): "application/octet-stream",
}
LARGEST = 200_000_000


def show(request: Request) -> Response:
    """Return a file of the results."""
    kind, name = request.path_params["kind"], request.path_params["name"]
    slug, ending = Path(name).stem, Path(name).suffix
    type = KINDS.get((kind, ending))
    if type is None:
        raise HTTPException(404, "There is no such file.")
    return _answer(request, Path(kind, name), slug, type)


def show_earlier(request: Request) -> Response:
    """Return the page of a report on an earlier file of a student."""
    slug, number = request.path_params["slug"], request.path_params["number"]
    return _answer(request, Path(earlier.FOLDER, slug, f"{number}.html"), slug, "text/html")


def _answer(request: Request, path: Path, slug: str, type: str) -> Response:
    results = desk_of(request).results
    if slug not in results.now().by_slug:
        raise HTTPException(404, "There is no such file.")
    content = _content(results.folder, path)
    if type == "text/html":
        content = _with_way_back(content, slug)
    return Response(content, media_type=type, headers={"Content-Security-Policy": SANDBOX})


def _content(folder: Path, inside: Path) -> bytes:
    """Return a file's content. A link that leads out of the folder is not followed."""
    path = folder / inside
    try:
        if path.resolve() != folder.resolve() / inside or not path.is_file():
            raise HTTPException(404, "There is no such file.")
        if path.stat().st_size > LARGEST:
            raise HTTPException(413, "This file is too large; open it in the folder of results.")
        return path.read_bytes()
    except OSError as error:
        raise HTTPException(404, "This file cannot be read.") from error


def _with_way_back(page: bytes, slug: str) -> bytes:
    """Add a link to the student's page at the desk, at the place of a page's links to other pages."""
    mark = LINKS[0].encode()
    return page.replace(mark, f'<a href="/student/{slug}">At the desk</a>'.encode() + mark, 1)


def index(request: Request) -> Response:
    """Redirect the report pages' link to the index to the page of the class."""
    return RedirectResponse("/", 303)


ROUTES = (
    Route("/results/index.html", index),
    Route("/results/{kind}/{name}", show),
    Route("/results/earlier/{slug}/{number:int}.html", show_earlier),
)
