import { lazy, Suspense } from 'react';

import type { IRunGraphProps } from '../../lab/tokens';
import { Hint } from '../../ui/controls';
import { trans } from '../../ui/locale';

const LoadedGraph = lazy(async () => {
  const { RunGraph } = await import('./runGraph');
  return { default: RunGraph };
});

/** The workflow of a run; the code that draws it is loaded when it is first shown. */
export function RunGraphPart(props: IRunGraphProps): JSX.Element {
  return (
    <Suspense fallback={<Hint role="status">{trans.__('Loading…')}</Hint>}>
      <LoadedGraph {...props} />
    </Suspense>
  );
}
