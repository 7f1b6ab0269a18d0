import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';

import { defineBrowserCommand, playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

import packageJson from './package.json' with { type: 'json' };

const MOCKS_MODULES = ['src/workflow/document/parts.spec.ts'];
const IN_BROWSER = 'src/**/*.browser.spec.{ts,tsx}';

/** Of tests/chromium.py, which starts the first of them that is there. */
const CHROMIUM = ['chromium-headless-shell', 'chromium', 'chromium-browser'];

/** Options of tests whose browser is jsdom. */
const jsdom = {
  environment: 'jsdom',
  setupFiles: ['./vitest.setup.ts'],
  server: {
    deps: {
      inline: [
        /@jupyterlab\//,
        /@jupyter\//,
        /@lumino\//,
        /@rjsf\//,
        /@xyflow\//
      ]
    }
  }
};

/** What a user does with the mouse and the keyboard; in the window of the test. */
const commands = {
  move: defineBrowserCommand<[x: number, y: number, steps: number]>(
    async ({ page, iframe }, x, y, steps) => {
      const box = (await iframe.owner().boundingBox())!;
      await page.mouse.move(x + box.x, y + box.y, { steps });
    }
  ),
  mouse: defineBrowserCommand<[action: 'down' | 'up']>(({ page }, action) =>
    page.mouse[action]()
  ),
  wheel: defineBrowserCommand<[dy: number]>(({ page }, dy) =>
    page.mouse.wheel(0, dy)
  ),
  click: defineBrowserCommand<
    [x: number, y: number, options: { button?: 'right'; clickCount?: number }]
  >(async ({ page, iframe }, x, y, options) => {
    const box = (await iframe.owner().boundingBox())!;
    await page.mouse.click(x + box.x, y + box.y, options);
  }),
  press: defineBrowserCommand<[key: string]>(({ page }, key) =>
    page.keyboard.press(key)
  ),
  hold: defineBrowserCommand<[key: string, isDown: boolean]>(
    ({ page }, key, isDown) => page.keyboard[isDown ? 'down' : 'up'](key)
  ),
  type: defineBrowserCommand<[text: string]>(({ page }, text) =>
    page.keyboard.type(text)
  ),
  insert: defineBrowserCommand<[text: string]>(({ page }, text) =>
    page.keyboard.insertText(text)
  ),
  download: defineBrowserCommand<[]>(async ({ page }) => {
    const download = await page.waitForEvent('download');
    return {
      name: download.suggestedFilename(),
      base64: await readFile(await download.path(), 'base64')
    };
  })
};

/** Tests of what people see and do, in a real browser without a lab. */
const browser: TestProjectConfiguration = {
  extends: true,
  // The style sheets of JupyterLab's packages name others by "~package".
  resolve: { alias: [{ find: /^~/, replacement: '' }] },
  // Bundled before the first test: what is found while tests run loads the page again.
  optimizeDeps: {
    include: [
      ...Object.keys(packageJson.dependencies),
      '@jupyterlab/markedparser-extension',
      'axe-core',
      'react-dom/client',
      'react/jsx-dev-runtime'
    ]
  },
  test: {
    name: 'browser',
    include: [IN_BROWSER],
    setupFiles: ['./vitest.setup.ts'],
    isolate: false,
    // A second try, which the run prints.
    retry: 1,
    expect: { poll: { timeout: 15_000 } },
    attachmentsDir: 'test-results/attachments',
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: true,
      screenshotDirectory: 'test-results',
      instances: [
        { browser: 'chromium', viewport: { width: 1280, height: 720 } }
      ],
      commands,
      provider: playwright({
        launchOptions: {
          executablePath: resolve('tests/chromium.py'),
          args: [
            '--no-sandbox',
            '--disable-gpu',
            '--disable-quic',
            '--no-first-run',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync'
          ]
        },
        contextOptions: { reducedMotion: 'reduce' }
      })
    }
  }
};

function hasChromium(): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return CHROMIUM.some(name =>
    folders.some(one => existsSync(join(one, name)))
  );
}

function browserProjects(): TestProjectConfiguration[] {
  if (hasChromium()) {
    return [browser];
  }
  const reason = `none of ${CHROMIUM.join(', ')} is on the path`;
  if (process.env.MLWS_REQUIRE_BROWSER) {
    throw new Error(`The tests in a browser cannot run: ${reason}.`);
  }
  console.warn(`The tests in a browser are skipped: ${reason}.`);
  return [];
}

export default defineConfig({
  plugins: [
    {
      name: 'svg-as-text',
      enforce: 'pre',
      async load(id: string) {
        // LabIcons import SVG sources.
        return id.endsWith('.svg')
          ? `export default ${JSON.stringify(await readFile(id, 'utf8'))}`
          : undefined;
      }
    }
  ],
  test: {
    projects: [
      // A jsdom and the libraries of the lab for each file would take most of the time.
      {
        extends: true,
        test: {
          ...jsdom,
          name: 'shared',
          isolate: false,
          include: ['src/**/*.spec.{ts,tsx}'],
          exclude: [...MOCKS_MODULES, IN_BROWSER]
        }
      },
      {
        extends: true,
        test: { ...jsdom, name: 'isolated', include: MOCKS_MODULES }
      },
      ...browserProjects()
    ],
    // React and the forms of JupyterLab warn of much in their own packages.
    silent: 'passed-only',
    // Properties are tried on hundreds of generated documents, on whatever machine.
    testTimeout: 60_000
  }
});
