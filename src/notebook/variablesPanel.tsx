import { lazy, Suspense, useRef } from 'react';

import { useActive, type ServerView } from '../ui/server';
import { VisibleView } from '../ui/visibleView';
import type { IVariablesProps } from './variablesView';

const Variables = lazy(() => import('./variablesView'));

/** List of variables; its code loads when the panel is first shown. */
function Panel(props: IVariablesProps): JSX.Element | null {
  const wasSeen = useRef(false);
  wasSeen.current = useActive() || wasSeen.current;
  return wasSeen.current ? (
    <Suspense fallback={null}>
      <Variables {...props} />
    </Suspense>
  ) : null;
}

/** The panel of variables of the current notebook's kernel. */
export function variablesPanel(props: IVariablesProps): ServerView {
  return new VisibleView(props.client, () => <Panel {...props} />, {
    id: 'jp-mlws-variables',
    className: 'jp-mlws-VariablesView',
    help: 'how-to-variables'
  });
}
