import type { IThemeManager } from '@jupyterlab/apputils';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { useCallback, useMemo, useState } from 'react';

import { trans } from '../ui/locale';
import { useMime } from '../ui/useMime';
import { useTheme } from '../ui/useTheme';
import type { IChartColours } from './charts';

/** The media type of JupyterLab's own Vega renderer. */
const VEGA_LITE = 'application/vnd.vegalite.v5+json';
/** Drawn as SVG, which screen readers can read; of its menu only what needs no other site. */
const METADATA = {
  embed_options: {
    renderer: 'svg',
    actions: { export: true, source: false, compiled: false, editor: false }
  }
};

/** The lab's colours, also after its theme has changed. */
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

/** A Vega-Lite chart, drawn by JupyterLab's own renderer. */
export function Chart(props: {
  spec: object;
  label: string;
  rendermime: IRenderMimeRegistry;
}): JSX.Element {
  const { spec, label, rendermime } = props;
  // Each render creates a new specification; only other content makes another chart.
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
