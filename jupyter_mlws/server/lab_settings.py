"""Chinese translation of our settings in JupyterLab's settings editor."""

from __future__ import annotations

from functools import wraps
from typing import Any

from jupyterlab_server import settings_utils
from jupyterlab_server.translation_utils import TranslationBundle, translator

from mlws.core.i18n import Message

DOMAIN = "jupyter_mlws"
"""Of the lab's translations."""


class SettingsTranslation(TranslationBundle):
    """Translations of our catalogue.

    jupyterlab_server translates schemas by language packs only; the catalogues of
    ``jupyterlab.locale`` entry points are only sent to the browser.
    """

    def pgettext(self, msgctxt: str, msgid: str) -> str:
        return Message(msgid).in_(self._locale)


_get_schema = settings_utils._get_schema


@wraps(_get_schema)
def _get_translated_schema(*args: Any, **kwargs: Any) -> tuple[dict[str, Any], str]:
    """Return a schema as jupyterlab_server does; ours in the language of the lab."""
    schema, version = _get_schema(*args, **kwargs)
    if schema.get("jupyter.lab.internationalization", {}).get("domain") == DOMAIN:
        schema = translator.translate_schema(schema)
    return schema, version


def translate_settings() -> None:
    """Add the translations to those of ``/lab/api/settings``."""
    # There is no public way to add a bundle.
    translator._TRANSLATORS[DOMAIN] = SettingsTranslation(DOMAIN, translator._LOCALE)
    # The list of all settings, which the browser reads first, leaves extensions untranslated.
    settings_utils._get_schema = _get_translated_schema
