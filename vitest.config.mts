import { defineConfig } from 'vitest/config';

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
    include: ['src/**/*.spec.{ts,tsx}'],
    setupFiles: ['./vitest.setup.ts'],
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
