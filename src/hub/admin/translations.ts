import type { TranslationBundle } from '@jupyterlab/translation';

import type { IServer } from '../../api/client';
import type { IConfig } from './config';

const CATALOGUES: Record<string, string> = { 'zh-CN': 'zh_CN' };

/** Each English text, and its forms in the language of the catalogue. */
type Catalogue = Record<string, readonly string[]>;

/**
 * The translations of a catalogue, with English where it has none.
 *
 * JupyterLab's own class makes a function of the catalogue's rule of plurals, which the page's
 * content security policy forbids, rightly. The languages here have one form, or English's two.
 */
export class Translations implements TranslationBundle {
  constructor(private _catalogue: Catalogue = {}) {}

  gettext(text: string, ...args: unknown[]): string {
    return fill(this._find(text) ?? text, args);
  }

  ngettext(
    one: string,
    many: string,
    count: number,
    ...args: unknown[]
  ): string {
    const english = count === 1 ? one : many;
    return fill(this._find(one) ?? english, [count, ...args]);
  }

  pgettext(context: string, text: string, ...args: unknown[]): string {
    return fill(this._find(`${context}\u0004${text}`) ?? text, args);
  }

  npgettext(
    context: string,
    one: string,
    many: string,
    count: number,
    ...args: unknown[]
  ): string {
    const english = count === 1 ? one : many;
    const catalogue = this._find(`${context}\u0004${one}`);
    return fill(catalogue ?? english, [count, ...args]);
  }

  dcnpgettext(
    domain: string,
    context: string,
    one: string,
    many: string,
    count: number,
    ...args: unknown[]
  ): string {
    return context
      ? this.npgettext(context, one, many, count, ...args)
      : this.ngettext(one, many, count, ...args);
  }

  __ = this.gettext;
  _n = this.ngettext;
  _p = this.pgettext;
  _np = this.npgettext;

  private _find(key: string): string | undefined {
    return this._catalogue[key]?.[0];
  }
}

/** Puts values in the places %1, %2 … of a text. */
function fill(text: string, args: unknown[]): string {
  return text.replace(/%%|%(\d+)/g, (place, number) =>
    place === '%%' ? '%' : String(args[number - 1])
  );
}

/** Read the translations of the page; English where there is no catalogue, or it cannot be read. */
export async function loadTranslations(
  config: IConfig,
  server: IServer
): Promise<TranslationBundle> {
  const name = CATALOGUES[config.language];
  if (name === undefined) {
    return new Translations();
  }
  const url = new URL(`${config.baseUrl}locale/${name}.json`, location.href);
  try {
    const answer = await server.request(url.href, {});
    if (answer.ok) {
      return new Translations(await answer.json());
    }
    console.warn(`MLWS: ${url.pathname} answers ${answer.status}`);
  } catch (error) {
    // The page in English is better than none.
    console.warn(`MLWS: ${url.pathname} cannot be read`, error);
  }
  return new Translations();
}
