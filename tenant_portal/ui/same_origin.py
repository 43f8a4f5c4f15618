"""Makes the built pages call whatever address they were loaded from, so that no port or host is built in."""

from pathlib import Path
from typing import Unpack

from reflex.plugins import Plugin
from reflex_base.plugins.base import PostBuildContext

BUILT_IN = {
    "`ws://localhost:8000/": "location.origin.replace(/^http/,`ws`)+`/",
    "`http://localhost:8000/": "location.origin+`/",
}
"""What Reflex 0.10.1 writes for the default `api_url`, and an expression that says the same of the page's address."""


class SameOriginPlugin(Plugin):
    """Rewrites Reflex's table of addresses after a build, before the files are compressed."""

    def post_build(self, **context: Unpack[PostBuildContext]) -> None:
        """RuntimeError if the table is not where this version of Reflex puts it: the pages would call nobody."""
        tables = list(Path(context["static_dir"]).glob("assets/reflex-env-*.js"))
        if not tables:
            raise RuntimeError("No assets/reflex-env-*.js in the built pages: has the version of Reflex changed?")
        for table in tables:
            table.write_text(same_origin(table.read_text()))


def same_origin(script: str) -> str:
    """The table with each address made relative to the page's."""
    for fixed, relative in BUILT_IN.items():
        if fixed not in script:
            raise RuntimeError(f"No {fixed[1:]} in the built pages: has the version of Reflex changed, or api_url?")
        script = script.replace(fixed, relative)
    return script
