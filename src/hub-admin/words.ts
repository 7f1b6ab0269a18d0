import type { TranslationBundle } from '@jupyterlab/translation';
// The module by itself: the package's index brings all of JupyterLab's services along.
import { Gettext } from '@jupyterlab/translation/lib/gettext';

import type { IServer } from '../api';
import type { IConfig } from './config';

const DOMAIN = 'jupyter_mlws';
const CATALOGUES: Record<string, string> = { 'zh-CN': 'zh_CN' };

/** The page's words; English where there is no catalogue, or it cannot be had. */
export async function loadWords(
  config: IConfig,
  server: IServer
): Promise<TranslationBundle> {
  const english = new Gettext({ domain: DOMAIN, locale: 'en' });
  const name = CATALOGUES[config.language];
  if (name === undefined) {
    return english;
  }
  const url = new URL(`${config.baseUrl}locale/${name}.json`, location.href);
  const answer = await server.request(url.href, {});
  if (!answer.ok) {
    console.warn(`MLWS: ${url.pathname} answers ${answer.status}`);
    return english;
  }
  const catalogue = await answer.json();
  const header = catalogue[''];
  const words = new Gettext({ domain: DOMAIN, locale: config.language });
  words.loadJSON(
    { ...catalogue, '': { ...header, pluralForms: header.plural_forms } },
    DOMAIN
  );
  return words;
}
