import { defineConfig } from 'vitest/config';

const MOCKS_MODULES = ['src/workflow/document/parts.spec.ts'];

export default defineConfig({
  plugins: [
    {
      name: 'svg-as-text',
      enforce: 'pre',
      load(id: string) {
        // LabIcons import SVG sources; the tests need only some valid one.
        return id.endsWith('.svg')
          ? 'export default \'<svg xmlns="http://www.w3.org/2000/svg"/>\''
          : undefined;
      }
    }
  ],
  test: {
    environment: 'jsdom',
    setupFiles: ['./vitest.setup.ts'],
    // A jsdom and the libraries of the lab for each file would take most of the time.
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          isolate: false,
          include: ['src/**/*.spec.{ts,tsx}'],
          exclude: MOCKS_MODULES
        }
      },
      { extends: true, test: { name: 'isolated', include: MOCKS_MODULES } }
    ],
    // Properties are tried on hundreds of generated documents, on whatever machine.
    testTimeout: 60_000,
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
  }
});
