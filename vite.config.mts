import { defineConfig } from 'vite';

/** The page of the Hub's service; the lab's extension is built by jupyter-builder. */
export default defineConfig({
  publicDir: false,
  build: {
    outDir: 'jupyter_mlws/hub/static',
    emptyOutDir: true,
    cssCodeSplit: false,
    // One file for the browser's cache, whose name the page knows.
    rolldownOptions: {
      input: 'src/hub/admin/main.tsx',
      output: {
        format: 'iife',
        entryFileNames: 'admin.js',
        assetFileNames: 'admin[extname]'
      },
      // Directives for React's server components, which mean nothing in a page.
      onLog: (level, log, handle) => {
        if (
          log.code !== 'MODULE_LEVEL_DIRECTIVE' ||
          !log.id?.includes('node_modules')
        ) {
          handle(level, log);
        }
      },
      // JupyterLab's coreutils read files by an eval that is only reached in Node.
      checks: { eval: false },
      treeshake: {
        // JupyterLab's packages do not all say that they only define things.
        moduleSideEffects: id =>
          id.endsWith('.css') || !id.includes('node_modules')
      }
    }
  },
  plugins: [
    {
      name: 'svg-as-text',
      enforce: 'pre',
      async load(id) {
        if (!id.endsWith('.svg')) {
          return undefined;
        }
        const text = await this.fs.readFile(id, { encoding: 'utf8' });
        return `export default ${JSON.stringify(text)}`;
      }
    }
  ]
});
