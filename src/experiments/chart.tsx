import type { IThemeManager } from '@jupyterlab/apputils';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { useCallback, useMemo, useState } from 'react';

import { trans } from '../ui/locale';
import { useMime } from '../ui/useMime';
import { useTheme } from '../ui/useTheme';
import type { IChartColours } from './charts';

/** MIME type of JupyterLab's Vega renderer. */
const VEGA_LITE = 'application/vnd.vegalite.v5+json';
/** Rendered as SVG for screen readers; the menu has only actions that need no external site. */
const METADATA = {
  embed_options: {
    renderer: 'svg',
    actions: { export: true, source: false, compiled: false, editor: false }
  }
};

/** Colors of the theme, updated when it changes. */
export function useColours(themes: IThemeManager | null): IChartColours {
  const [colours, setColours] = useState(readColours);
  const read = useCallback(() => setColours(readColours()), []);
  useTheme(themes, read);
  return colours;
}

function readColours(): IChartColours {
  const style = getComputedStyle(document.body);
  const read = (name: string, spare: string) =>
    style.getPropertyValue(name).trim() || spare;
  return {
    text: read('--jp-ui-font-color1', 'black'),
    grid: read('--jp-border-color2', 'silver'),
    background: read('--jp-layout-color0', 'white')
  };
}

/** Vega-Lite chart, rendered by JupyterLab. */
export function Chart(props: {
  spec: object;
  label: string;
  rendermime: IRenderMimeRegistry;
}): JSX.Element {
  const { spec, label, rendermime } = props;
  // Each render creates a new specification; only new content changes the chart.
  const text = JSON.stringify(spec);
  const data = useMemo(() => JSON.parse(text), [text]);
  const { host, isKnown, error } = useMime(
    rendermime,
    VEGA_LITE,
    data,
    METADATA
  );
  return (
    <figure className="jp-mlws-Chart" aria-label={label}>
      <div ref={host} />
      {!isKnown && (
        <p className="jp-mlws-Note jp-mod-warn">
          {trans.__(
            'Charts need the JupyterLab Vega extension, which is disabled.'
          )}
        </p>
      )}
      {error && (
        <p className="jp-mlws-Failure" role="alert">
          {error}
        </p>
      )}
    </figure>
  );
}
