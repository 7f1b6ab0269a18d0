"""Chinese texts of our settings in JupyterLab's settings editor."""

from __future__ import annotations

from jupyterlab_server.translation_utils import TranslationBundle, translator

from jupyter_mlws.core.i18n import DOMAIN, Message


class SettingsTranslation(TranslationBundle):
    """Texts of our catalogue: jupyterlab_server looks for those of schemas in language packs only.

    The catalogues of ``jupyterlab.locale`` entry points reach the browser, and no schema.
    """

    def pgettext(self, msgctxt: str, msgid: str) -> str:
        return Message(msgid).in_(self._locale)


def translate_settings() -> None:
    """Have ``/lab/api/settings`` translate our schemas, whose domain is ours."""
    # There is no public way to add a bundle; a test asks the handler for its answer.
    translator._TRANSLATORS[DOMAIN] = SettingsTranslation(DOMAIN, translator._LOCALE)
