import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Button, ReactWidget } from '@jupyterlab/ui-components';

import type { Message } from '@lumino/messaging';

import { Failure } from '../ui/errorBox';
import type { NotebookModel } from './model';
import type { OpenNotebooks } from './open';
import type { ICellFailure, ISimilar } from '../api/models';

/** The panel of errors: the failed cells of the notebook that is looked at. */
export class ErrorsView extends ReactWidget {
  constructor(
    private _notebooks: OpenNotebooks,
    private _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-mlws-ErrorsView');
    this.node.tabIndex = -1;
    _notebooks.currentChanged.connect(this._follow, this);
    this._follow();
  }

  dispose(): void {
    this._notebooks.currentChanged.disconnect(this._follow, this);
    this._model?.stateChanged.disconnect(this.update, this);
    super.dispose();
  }

  /** Whoever opens it by keyboard goes on in it. */
  protected onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.node.focus();
  }

  protected render(): JSX.Element {
    const current = this._notebooks.current;
    const trans = this._trans;
    if (!current) {
      return (
        <p className="jp-mlws-Hint">
          {trans.__('Open a notebook to see its failed cells.')}
        </p>
      );
    }
    const { panel, model } = current;
    return (
      <section aria-label={trans.__('Errors in this notebook')}>
        {model.error && <Failure error={model.error} trans={trans} />}
        {model.failures.length === 0 ? (
          <p className="jp-mlws-Hint" role="status">
            {trans.__('No failed cells.')}
          </p>
        ) : (
          <ul className="jp-mlws-Errors">
            {model.failures.map(failure => (
              <ErrorRow
                key={failure.execution.id}
                failure={failure}
                notebooks={this._notebooks}
                panel={panel}
                model={model}
                trans={trans}
              />
            ))}
          </ul>
        )}
      </section>
    );
  }

  /** Draws anew after every change of the notebook that is looked at now. */
  private _follow(): void {
    const model = this._notebooks.current?.model ?? null;
    if (model !== this._model) {
      this._model?.stateChanged.disconnect(this.update, this);
      model?.stateChanged.connect(this.update, this);
      this._model = model;
    }
    this.update();
  }

  private _model: NotebookModel | null = null;
}

function ErrorRow(props: {
  failure: ICellFailure;
  notebooks: OpenNotebooks;
  panel: NotebookPanel;
  model: NotebookModel;
  trans: TranslationBundle;
}): JSX.Element {
  const { failure, notebooks, panel, model, trans } = props;
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
            small={true}
            onClick={() => notebooks.jump(panel, cell, error?.line ?? null)}
          >
            {trans.__('Go to Cell')}
          </Button>
          <Button
            small={true}
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
            <Earlier key={one.execution.id} similar={one} trans={trans} />
          ))}
        </details>
      )}
    </li>
  );
}

function Earlier(props: {
  similar: ISimilar;
  trans: TranslationBundle;
}): JSX.Element {
  const { similar, trans } = props;
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
