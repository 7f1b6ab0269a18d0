import { Button } from '../../ui/controls';
import { trans } from '../../ui/locale';
import { useCanvas } from '../context';
import { useDrawing, useKeyed, useRuns, useCurrentRun } from '../hooks';
import { INCOMPLETE } from '../store/run';

/** Buttons that run a node, or that continue after its failure. */
export function NodeActions({ node }: { node: string }): JSX.Element | null {
  const { model, openFailed } = useCanvas();
  const runs = useRuns();
  const { nodes, run } = useCurrentRun();
  useDrawing();
  const state = useKeyed(nodes, node);
  const hasFailed = INCOMPLETE.has(state?.status);
  if (model.document.isReadOnly) {
    return null;
  }
  const button = (
    label: string,
    hint: string,
    act: () => void
  ): JSX.Element => (
    <Button disabled={!runs.canRun} title={hint} onClick={act}>
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
            trans.__('Rerun this node and everything downstream'),
            () => void runs.retry(node)
          )}
          {button(
            trans.__('Skip'),
            trans.__('Skip this node and continue with its existing output'),
            () => void runs.skip(node)
          )}
          {button(
            trans.__('Resume'),
            trans.__('Continue this run from where it stopped'),
            () => void runs.resume()
          )}
          {!state?.error &&
            run &&
            button(
              trans.__('Debug in Notebook'),
              trans.__('Debug this node in a notebook with its exact inputs'),
              () => openFailed(run.id, node)
            )}
        </>
      ) : (
        <>
          {button(
            trans.__('Run to Here'),
            trans.__('Run this node and everything it depends on'),
            () => void runs.startTo([node])
          )}
          {button(
            trans.__('Run from Here'),
            trans.__('Rerun this node and everything downstream'),
            () => void runs.startFrom([node])
          )}
          {button(
            trans.__('Rerun Node'),
            trans.__('Run this node even if it is up to date'),
            () => void runs.startOnly([node])
          )}
        </>
      )}
    </div>
  );
}
