import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Message } from '@lumino/messaging';

import type { MLWSClient } from '../api/client';
import type { ICellFailure, ISimilar } from '../api/models';
import { Button, Hint } from '../ui/controls';
import { Failure } from '../ui/errorBox';
import { trans } from '../ui/locale';
import { Failures, ServerView, useGet } from '../ui/server';
import { useValue } from '../ui/state';
import { useSignal } from '../ui/useSignal';
import type { NotebookModel } from './model';
import type { OpenNotebooks } from './open';

interface IProps {
  client: MLWSClient;
  notebooks: OpenNotebooks;
}

function Errors({ client, notebooks }: IProps): JSX.Element {
  useSignal(notebooks.currentChanged);
  const { current } = notebooks;
  return current ? (
    <Failed client={client} notebooks={notebooks} {...current} />
  ) : (
    <Hint>{trans.__('Open a notebook to see its failed cells.')}</Hint>
  );
}

function Failed(
  props: IProps & { panel: NotebookPanel; model: NotebookModel }
): JSX.Element {
  const { client, notebooks, panel, model } = props;
  const id = useValue(model.id);
  const error = useValue(model.error);
  const answer = useGet(
    client,
    model.address('/errors'),
    {},
    { enabled: id !== null }
  );
  const failures = answer.data?.items ?? [];
  return (
    <section aria-label={trans.__('Errors in this notebook')}>
      {error && <Failure error={error} />}
      <Failures of={[answer]} />
      {failures.length === 0 ? (
        <Hint role="status">{trans.__('No failed cells.')}</Hint>
      ) : (
        <ul className="jp-mlws-Errors">
          {failures.map(failure => (
            <ErrorRow
              key={failure.execution.id}
              failure={failure}
              notebooks={notebooks}
              panel={panel}
              model={model}
            />
          ))}
        </ul>
      )}
    </section>
  );
}

/** The panel of errors: the failed cells of the notebook that is looked at. */
export class ErrorsView extends ServerView {
  constructor(props: IProps) {
    super(props.client, () => <Errors {...props} />, {
      id: 'jp-mlws-errors',
      className: 'jp-mlws-ErrorsView',
      help: 'reference-notebooks'
    });
    this.node.tabIndex = -1;
  }

  /** Opening by keyboard moves the focus into the view. */
  protected onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.node.focus();
  }
}

function ErrorRow(props: {
  failure: ICellFailure;
  notebooks: OpenNotebooks;
  panel: NotebookPanel;
  model: NotebookModel;
}): JSX.Element {
  const { failure, notebooks, panel, model } = props;
  const { execution, similar } = failure;
  const error = execution.error;
  const cell = execution.cell ?? '';
  const index = panel.content.widgets.findIndex(one => one.model.id === cell);
  const place =
    index < 0
      ? trans.__('deleted cell')
      : error?.line
        ? trans.__('cell %1, line %2', index + 1, error.line)
        : trans.__('cell %1', index + 1);
  return (
    <li className="jp-mlws-Error">
      <div className="jp-mlws-Error-head">
        <strong>{error?.ename ?? execution.status}</strong> <span>{place}</span>
      </div>
      <div className="jp-mlws-Error-message">
        {error?.evalue || error?.message}
      </div>
      {index >= 0 && (
        <div className="jp-mlws-Error-actions">
          <Button
            onClick={() => notebooks.jump(panel, cell, error?.line ?? null)}
          >
            {trans.__('Go to Cell')}
          </Button>
          <Button
            title={trans.__(
              'Rerun the cells this one depends on (from history), then this cell'
            )}
            onClick={() => void notebooks.runUpTo(panel, model, cell)}
          >
            {trans.__('Rerun with Dependencies')}
          </Button>
        </div>
      )}
      {!!error?.traceback.length && (
        <details>
          <summary>{trans.__('Traceback')}</summary>
          <pre tabIndex={0}>{error.traceback.join('\n')}</pre>
        </details>
      )}
      {similar.length > 0 && (
        <details>
          <summary>
            {trans._n(
              '%1 similar earlier error',
              '%1 similar earlier errors',
              similar.length
            )}
          </summary>
          {similar.map(one => (
            <Earlier key={one.execution.id} similar={one} />
          ))}
        </details>
      )}
    </li>
  );
}

function Earlier(props: { similar: ISimilar }): JSX.Element {
  const { similar } = props;
  return (
    <div className="jp-mlws-Earlier">
      <div>{similar.execution.error?.evalue}</div>
      {similar.fix ? (
        <>
          <div>{trans.__('Changes that fixed it:')}</div>
          <pre className="jp-mlws-Fix" tabIndex={0}>
            {similar.fix.diff.map((line, index) => (
              <span key={index} data-mlws-change={line.slice(0, 1)}>
                {line}
                {'\n'}
              </span>
            ))}
          </pre>
        </>
      ) : (
        <div>{trans.__('Not fixed yet.')}</div>
      )}
    </div>
  );
}
