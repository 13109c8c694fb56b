"""The page of a ticking session: the class, each student, and the decisions of several demonstrators at the same time.

The desk reads the results of a batch and stores people's decisions. It judges nothing, and takes no lock of the folder,
so a batch may run beside it.

How to add a page: write a module beside this one with handlers and ``ROUTES``, and add these to ``application.ROUTES``.
A handler is a plain function (it runs in a thread) of a ``starlette.requests.Request``:

- ``desk_of(request)`` is the running ``Desk``: results, decisions, presence, hub, places of its own. ``session_of``
  is the person's session, with ``name`` for ``by``. Requests without a session never reach a handler (``walls``).
- ``form_of(request)`` has the fields of a POST. Origin and form token are checked before the handler runs. A form in a
  template begins with ``{{ token() }}``.
- ``pages.render(request, "desk/x.html", …)`` renders a template that extends ``desk/base.html``. Scripts and styles lie
  in ``static``: the Content-Security-Policy refuses all that is inline. The report's own sections can be included.
- ``desk.hub.publish("trial", slug)`` notifies each open page. In the browser the event ``desk-trial`` comes to ``body``
  everywhere, and ``desk-trial-here`` on pages of that student, so ``hx-trigger="desk-trial-here from:body"`` reloads a
  part. A form with ``data-live`` is sent in turn and leaves the page as it is.
- A CheckerError that a handler raises becomes a page in words.
- Links from a student's page stand in ``templates/desk/what_if_link.html``; an element with ``data-key="w"`` is clicked
  by that key.
"""
