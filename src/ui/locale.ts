import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';

/** The translations of the page, which is loaded again when its language changes. */
export let trans: TranslationBundle;

/** The language of the page: "en", "zh-CN". */
export let language = 'en';

/** Translations of JupyterLab's components; undefined on the Hub's page. */
export let translator: ITranslator;

export function setLocale(code: string, bundle: TranslationBundle): void {
  language = code;
  trans = bundle;
}

/** Sets the locale to that of JupyterLab. */
export function setLabLocale(lab: ITranslator): void {
  translator = lab;
  // JupyterLab 4.2 has none if the system's language has no pack, not even for English.
  const code = (lab.languageCode as string | undefined) ?? 'en';
  setLocale(code.replace('_', '-'), lab.load('jupyter_mlws'));
}
