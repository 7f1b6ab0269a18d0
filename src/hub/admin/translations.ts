import type { TranslationBundle } from '@jupyterlab/translation';

import type { IServer } from '../../api/client';
import type { IConfig } from './config';

const CATALOGS: Record<string, string> = { 'zh-CN': 'zh_CN' };

/** Each English text, and its forms in the language of the catalogue. */
type Catalogue = Record<string, readonly string[]>;

/**
 * Translations of a catalog, with English as the fallback.
 *
 * JupyterLab's class compiles the catalog's plural rule to a function, which the page's content
 * security policy forbids. The supported languages have a single form, or English's two.
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

/** Loads the translations of the page; English without a readable catalog. */
export async function loadTranslations(
  config: IConfig,
  server: IServer
): Promise<TranslationBundle> {
  const name = CATALOGS[config.language];
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
    // English is the fallback.
    console.warn(`MLWS: ${url.pathname} cannot be read`, error);
  }
  return new Translations();
}
