import { readFileSync } from 'node:fs';

import { nullTranslator } from '@jupyterlab/translation';
import { expect, it, vi } from 'vitest';

import { hubServer } from './hubServer';
import { loadTranslations, Translations } from './translations';

const CATALOGUE = 'jupyter_mlws/locale/zh_CN/LC_MESSAGES/jupyter_mlws.json';
const chinese = new Translations(JSON.parse(readFileSync(CATALOGUE, 'utf8')));
const english = new Translations();

it('speaks Chinese, in plurals too, with values in their places', () => {
  expect(chinese.__('My containers')).toBe('我的容器');
  expect(chinese.__('%1 of %2', 3, 8)).toBe('3 / 8');
  expect(chinese._n('%1 container', '%1 containers', 1)).toBe('1 个容器');
  expect(chinese._n('%1 container', '%1 containers', 2)).toBe('2 个容器');
});

it("speaks English as JupyterLab's own does", () => {
  const own = nullTranslator.load('jupyter_mlws');
  for (const count of [0, 1, 2]) {
    const said = english._n('%1 container', '%1 containers', count);
    expect(said).toBe(own._n('%1 container', '%1 containers', count));
  }
  expect(english.__('100%% of %1', 'it')).toBe(own.__('100%% of %1', 'it'));
  expect(english._p('verb', 'run')).toBe('run');
});

it('speaks English where the catalogue cannot be had', async () => {
  const config = {
    baseUrl: '/services/mlws/',
    hubUrl: '/hub/',
    user: '',
    admin: false,
    language: 'zh-CN',
    xsrf: ''
  };
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
  vi.stubGlobal('fetch', async () => new Response('', { status: 404 }));
  expect((await loadTranslations(config, hubServer(config))).__('Stop')).toBe(
    'Stop'
  );
  vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('away')));
  expect((await loadTranslations(config, hubServer(config))).__('Stop')).toBe(
    'Stop'
  );
  expect(warned).toHaveBeenCalledTimes(2);
  vi.unstubAllGlobals();
  warned.mockRestore();
});
