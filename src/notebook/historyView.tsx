import { useState } from 'react';

import type { MLWSClient } from '../api/client';
import { Hint, SearchField } from '../ui/controls';
import { fullTime, memorySize } from '../ui/format';
import { trans } from '../ui/locale';
import { Answer, ServerView, useGet } from '../ui/server';
import { useValue } from '../ui/state';
import { markText, outputText } from './labels';
import type { NotebookModel } from './model';

interface IProps {
  client: MLWSClient;
  model: NotebookModel;
  /** Null for the whole notebook. */
  cell: string | null;
}

/** The text that an execution printed, and its results, once they are asked for. */
function Output(props: {
  client: MLWSClient;
  model: NotebookModel;
  id: string;
}): JSX.Element {
  const { client, model, id } = props;
  const [isOpen, setOpen] = useState(false);
  const answer = useGet(
    client,
    model.address(`/executions/${encodeURIComponent(id)}`),
    {},
    { enabled: isOpen }
  );
  return (
    <details onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>{trans.__('Output')}</summary>
      {isOpen && (
        <Answer of={answer}>
          {({ outputs, outputs_kept: isKept }) =>
            isKept && outputs.length > 0 ? (
              <pre tabIndex={0}>{outputs.map(outputText).join('')}</pre>
            ) : (
              <Hint>
                {isKept
                  ? trans.__('No output.')
                  : trans.__(
                      'The output was not kept: the notebook had it when the cell ended.'
                    )}
              </Hint>
            )
          }
        </Answer>
      )}
    </details>
  );
}

function Executions({ client, model, cell }: IProps): JSX.Element {
  const [q, setQ] = useState('');
  const id = useValue(model.id);
  const answer = useGet(
    client,
    model.address('/executions'),
    { cell, q: q || undefined },
    { enabled: id !== null, keepPrevious: true }
  );
  return (
    <div className="jp-mlws-Executions">
      <SearchField
        className="jp-mlws-Search"
        value={q}
        label={trans.__('Search code and errors')}
        onChange={setQ}
      />
      <Answer of={answer}>
        {({ items }) => (
          <>
            {items.length === 0 && <Hint>{trans.__('No results.')}</Hint>}
            <ol>
              {items.map(one => (
                <li key={one.id} data-mlws-state={one.status}>
                  <div className="jp-mlws-Execution-head">
                    <strong>{markText(one)}</strong>
                    {one.started && <span>{fullTime(one.started)}</span>}
                    {one.memory !== null && (
                      <span>{memorySize(one.memory)}</span>
                    )}
                    {one.snapshot && (
                      <span title={one.snapshot}>
                        {one.snapshot.slice(0, 8)}
                      </span>
                    )}
                  </div>
                  {one.error && <div>{one.error.message}</div>}
                  <pre tabIndex={0}>{one.source}</pre>
                  {one.cell && (
                    <Output client={client} model={model} id={one.id} />
                  )}
                </li>
              ))}
            </ol>
          </>
        )}
      </Answer>
    </div>
  );
}

/** Executions of a notebook, or of a single cell, newest first. */
export function executionsView(props: IProps): ServerView {
  const { client, model, cell } = props;
  return new ServerView(client, () => <Executions {...props} />, {
    label: cell ? trans.__('Cell history') : trans.__('Execution history'),
    className: 'jp-mlws-ExecutionsView',
    help: 'reference-notebooks',
    caption: model.path
  });
}
