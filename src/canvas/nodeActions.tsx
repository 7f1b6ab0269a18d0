import { Button } from '@jupyterlab/ui-components';

import { useSignal } from '../useSignal';
import { useCanvas, useKeyed } from './hooks';
import { NOT_DONE } from './runs';

/** What can be run of a node; where it has failed, how to go on. */
export function NodeActions({ node }: { node: string }): JSX.Element {
  const { model, trans, openFailed } = useCanvas();
  useSignal(model.changed, model.control.changed, model.runs.changed);
  const state = useKeyed(model.runs.nodes, node);
  const hasFailed = NOT_DONE.has(state?.status);
  const button = (
    label: string,
    hint: string,
    act: () => void
  ): JSX.Element => (
    <Button small disabled={!model.canRun} title={hint} onClick={act}>
      {label}
    </Button>
  );
  return (
    <div
      className="jp-mlws-NodeActions"
      role="group"
      aria-label={trans.__('Run %1', node)}
    >
      {hasFailed ? (
        <>
          {button(
            trans.__('Retry'),
            trans.__('Run this node again, and what depends on it'),
            () => void model.retry(node)
          )}
          {button(
            trans.__('Skip'),
            trans.__('Run what depends on this node, with what it has left'),
            () => void model.skip(node)
          )}
          {button(
            trans.__('Resume'),
            trans.__('Run everything that this run has left undone'),
            () => void model.resume()
          )}
          {button(
            trans.__('Open as notebook'),
            trans.__('Look for the error with the very inputs of this node'),
            () => openFailed(node)
          )}
          {state?.error && (
            <div className="jp-mlws-Failure" role="alert">
              {state.error.message}
            </div>
          )}
        </>
      ) : (
        <>
          {button(
            trans.__('Run to here'),
            trans.__('Run what this node needs, and the node'),
            () => void model.runTo(node)
          )}
          {button(
            trans.__('Run from here'),
            trans.__('Run this node again, and what depends on it'),
            () => void model.runFrom(node)
          )}
          {button(
            trans.__('Run again'),
            trans.__('Run this node although it is up to date'),
            () => void model.runOnly(node)
          )}
        </>
      )}
    </div>
  );
}
