"""Chinese translation of our settings in JupyterLab's settings editor."""

from __future__ import annotations

from jupyterlab_server.translation_utils import TranslationBundle, translator

from jupyter_mlws.core.i18n import DOMAIN, Message


class SettingsTranslation(TranslationBundle):
    """Translations of our catalogue.

    jupyterlab_server translates schemas by language packs only; the catalogues of
    ``jupyterlab.locale`` entry points are only sent to the browser.
    """

    def pgettext(self, msgctxt: str, msgid: str) -> str:
        return Message(msgid).in_(self._locale)


def translate_settings() -> None:
    """Add the translations to those of ``/lab/api/settings``."""
    # There is no public way to add a bundle.
    translator._TRANSLATORS[DOMAIN] = SettingsTranslation(DOMAIN, translator._LOCALE)
