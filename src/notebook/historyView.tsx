import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { useEffect, useState } from 'react';

import { APIError } from '../api/client';
import { Failure, Waiting } from '../ui/errorBox';
import { fullTime, memorySize } from '../ui/format';
import { useSignal } from '../ui/useSignal';
import type { NotebookModel } from './model';
import type { IExecution } from '../api/models';
import { markText } from './labels';

/** What was executed of a notebook, or of one of its cells, newest first. */
export class HistoryView extends ReactWidget {
  constructor(
    private _model: NotebookModel,
    private _cell: string | null,
    private _language: string,
    private _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-mlws-ExecutionsView');
  }

  protected render(): JSX.Element {
    return (
      <Executions
        model={this._model}
        cell={this._cell}
        language={this._language}
        trans={this._trans}
      />
    );
  }
}

function Executions(props: {
  model: NotebookModel;
  cell: string | null;
  language: string;
  trans: TranslationBundle;
}): JSX.Element {
  const { model, cell, language, trans } = props;
  const [q, setQ] = useState('');
  const [rows, setRows] = useState<readonly IExecution[] | null>(null);
  const [error, setError] = useState<APIError | null>(null);
  const [again, setAgain] = useState(0);
  useSignal(model.stateChanged);
  const newest = model.cells;
  useEffect(() => {
    let current = true;
    model.history(cell, q).then(
      page => {
        if (current) {
          setRows(page.items);
          setError(null);
        }
      },
      reason => {
        if (!(reason instanceof APIError)) {
          throw reason;
        }
        if (current) {
          setError(reason);
        }
      }
    );
    return () => {
      current = false;
    };
  }, [model, cell, q, newest, again]);
  const retry = () => setAgain(again + 1);
  return (
    <div className="jp-mlws-Executions">
      <input
        type="search"
        className="jp-mlws-Search"
        value={q}
        placeholder={trans.__('Search code and errors')}
        aria-label={trans.__('Search code and errors')}
        onChange={event => setQ(event.target.value)}
      />
      {rows === null ? (
        <Waiting error={error} trans={trans} onRetry={retry} />
      ) : (
        error && <Failure error={error} trans={trans} onRetry={retry} />
      )}
      {rows?.length === 0 && (
        <p className="jp-mlws-Hint">{trans.__('No results.')}</p>
      )}
      <ol>
        {rows?.map(one => (
          <li key={one.id} data-mlws-state={one.status}>
            <div className="jp-mlws-Execution-head">
              <strong>{markText(one, trans)}</strong>
              {one.started && <span>{fullTime(one.started, language)}</span>}
              {one.memory !== null && (
                <span>{memorySize(one.memory, language)}</span>
              )}
              {one.snapshot && (
                <span title={one.snapshot}>{one.snapshot.slice(0, 8)}</span>
              )}
            </div>
            {one.error && <div>{one.error.message}</div>}
            <pre tabIndex={0}>{one.source}</pre>
          </li>
        ))}
      </ol>
    </div>
  );
}
