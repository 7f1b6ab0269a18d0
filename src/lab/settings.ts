import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { TranslationBundle } from '@jupyterlab/translation';

const TEXTS = new Set([
  'title',
  'description',
  'jupyter.lab.setting-icon-label'
]);

/**
 * Returns the registry of settings, with the texts of schemas in the language of the lab.
 *
 * In its list of all settings, jupyterlab_server translates the schemas of JupyterLab's own
 * plugins alone. Works for schemas with `jupyter.lab.transform`.
 */
export function translatedSettings(
  registry: ISettingRegistry,
  trans: TranslationBundle
): ISettingRegistry {
  const transform: ISettingRegistry['transform'] = (id, { compose, fetch }) =>
    registry.transform(id, {
      compose,
      fetch: plugin => {
        const schema = translate(plugin.schema, trans) as typeof plugin.schema;
        const translated = { ...plugin, schema };
        return fetch ? fetch(translated) : translated;
      }
    });
  return Object.create(registry, { transform: { value: transform } });
}

function translate(value: unknown, trans: TranslationBundle): unknown {
  if (Array.isArray(value)) {
    return value.map(one => translate(one, trans));
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key,
      typeof part === 'string' && TEXTS.has(key)
        ? trans.__(part)
        : translate(part, trans)
    ])
  );
}
