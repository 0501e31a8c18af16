"""The door for staff: everything that an organisation does in a browser, from signing in to issuing.

How a screen is made:

- A file for each subject (`credentials.py`) holds functions `async def show_list(visit: WorkspaceVisit) -> Response` and
  ends with `SCREENS`, which names for each function its method, its path and the permission that it needs
  (`screens.py`). `routes.py` lists the files. A test asks each screen under each role and each other workspace.
- A visit (`visits.py`) is one request with who makes it: `visit.read(...)` and `visit.write(..., action="...")` open the
  transactions (a write of a workspace is always in its audit log), `visit.form()` reads what was sent, and
  `visit.page(...)`, `visit.go(...)` answer. Rules are not here: the functions call the slices that the API calls.
- Templates are in `pages/`, in a folder for each subject; they extend `layout.html` and use the macros of
  `components.html`, which `/style` shows. All text is in `{% trans %}` or `_()`.
- What stands in an address is read by `parameters.py`. A form that makes something holds a new id in its field `once`,
  under which `once.py` has it done once.
- A form is answered by a redirection (303) with a notice, and by the same page with status 422 and the faults beside
  their fields if it is refused. It works without a script; htmx makes it quicker where `hx-` attributes say so.
"""
