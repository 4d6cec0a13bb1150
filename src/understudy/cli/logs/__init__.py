"""`understudy logs …`: gameplay logs in, out, mended and looked at. One file here for each of its commands."""

from __future__ import annotations

import typer

from understudy.cli.logs import clip, doctor, edit, exporting, forget, importing, inspect, view
from understudy.cli.logs import map as mapping

app = typer.Typer(help="Gameplay logs: bring them in, mend them, look at them, hand them on.", no_args_is_help=True)
app.command("import")(importing.import_)
app.command("map")(mapping.map_)
app.command("export")(exporting.export)
app.command("formats")(exporting.formats)
app.command("inspect")(inspect.inspect)
app.command("view")(view.view)
app.command("clip")(clip.clip)
app.command("doctor")(doctor.doctor)
app.command("fix")(doctor.fix)
edit.add_to(app)
app.command("forget")(forget.forget)
