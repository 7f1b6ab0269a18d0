import { useCallback, useEffect, useId, useRef, useState } from 'react';

import { trans } from '../../ui/locale';
import { quoteWord } from '../document/command';
import { extension, withExtension } from '../document/paths';
import { canMoveOutput, moveOutput } from '../document/rename';
import type { IGraphNode, IGraphPort } from '../graph/graph';
import { useCanvas } from '../context';
import { useFlush } from '../hooks';

/** Formats of tables, by the extension of their files. */
const FORMATS = [
  ['.csv', 'CSV'],
  ['.tsv', 'TSV'],
  ['.xlsx', 'Excel'],
  ['.parquet', 'Parquet']
];

/** Output files of a node; renaming updates their readers. */
export function OutputFields({ node }: { node: IGraphNode }): JSX.Element {
  const outputs = node.outputs.filter(({ paths }) => paths.length === 1);
  return (
    <details open={node.component?.group === 'Export'}>
      <summary>{trans.__('Files')}</summary>
      {outputs.map(port => (
        <OutputField key={port.name} port={port} />
      ))}
    </details>
  );
}

function OutputField(props: { port: IGraphPort }): JSX.Element {
  const { model } = useCanvas();
  const { port } = props;
  const [path] = port.paths;
  const [draft, setDraft] = useState(path);
  const latest = useRef(draft);
  latest.current = draft;
  useEffect(() => setDraft(path), [path]);
  const id = useId();
  const next = draft.trim();
  const isChanged = next !== path;
  const fault = !isChanged
    ? null
    : next === '' || next.startsWith('/') || next.split('/').includes('..')
      ? trans.__('Enter a path within the project folder.')
      : quoteWord(next) !== next || next.includes('${')
        ? trans.__('The path has characters that a command would not keep.')
        : canMoveOutput(model.document.workflow, path, next)
          ? null
          : trans.__('The path is in use, or a program names the file.');
  const write = useCallback(
    (to: string) => model.document.edit(moveOutput(path, to)),
    [model, path]
  );
  const commit = useCallback(() => {
    const to = latest.current.trim();
    if (to !== path && canMoveOutput(model.document.workflow, path, to)) {
      write(to);
    }
  }, [model, path, write]);
  useFlush(commit);
  const format = extension(path).toLowerCase();
  return (
    <div className="jp-mlws-Field">
      <label htmlFor={id}>
        {port.name} <span className="jp-mlws-Field-type">{port.type}</span>
      </label>
      <div className="jp-mlws-Field-item">
        <input
          id={id}
          className="jp-mod-styled"
          data-mlws-output={port.name}
          type="text"
          value={draft}
          aria-invalid={fault !== null}
          onChange={event => setDraft(event.target.value)}
          onBlur={() => fault === null && commit()}
          onKeyDown={event =>
            event.key === 'Enter' && fault === null && commit()
          }
        />
        {port.type === 'Table' && (
          <select
            aria-label={trans.__('Format of %1', port.name)}
            value={format}
            onChange={event => write(withExtension(path, event.target.value))}
          >
            {FORMATS.every(([value]) => value !== format) && (
              <option value={format}>{format}</option>
            )}
            {FORMATS.map(([value, title]) => (
              <option key={value} value={value}>
                {title}
              </option>
            ))}
          </select>
        )}
      </div>
      {fault !== null && (
        <div className="jp-mlws-Field-error" role="alert">
          {fault}
        </div>
      )}
    </div>
  );
}
