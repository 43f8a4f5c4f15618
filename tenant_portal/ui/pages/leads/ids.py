"""Ids of the pages of leads, as a browser sends them."""

from functools import partial

from tenant_portal.ui import ids

parse_id = partial(ids.parse_id, gone="This lead does not exist.")
