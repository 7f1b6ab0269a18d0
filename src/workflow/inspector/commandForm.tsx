import { useId, useState } from 'react';

import { Button } from '../../ui/controls';
import { trans } from '../../ui/locale';
import type { IPathEntry } from '../document/document';
import type { Edit } from '../document/edits';
import { addInput } from '../document/nodes';
import {
  addOutput,
  type OutputList,
  removeFile,
  setCommand
} from '../document/stages';
import type { IGraphNode } from '../graph/graph';
import { EnvironmentField } from './environmentField';
import { RemoveButton } from './removeButton';
import { useCanvas } from '../context';
import { useFlush } from '../hooks';

/** A stage that is no component: its command, and the files that it reads and writes. */
export function CommandSettings({ node }: { node: IGraphNode }): JSX.Element {
  const { openAsText } = useCanvas();
  const { stage } = node;
  return (
    <>
      {stage.description && <p>{stage.description}</p>}
      {stage.isEditable ? (
        <CommandField node={node} key={stage.commands.join('\n')} />
      ) : (
        <>
          <h4>{trans.__('Command')}</h4>
          <pre className="jp-mlws-Preview-text">
            {stage.commands.join('\n')}
          </pre>
        </>
      )}
      <EnvironmentField node={node} />
      <Files
        node={node}
        title={trans.__('Dependencies')}
        entries={stage.deps}
        add={path => addInput(node.id, path)}
      />
      <Files
        node={node}
        title={trans.__('Outputs')}
        entries={stage.outs}
        lists={['outs', 'metrics', 'plots']}
        add={(path, list) => addOutput(node.id, path, list)}
      />
      <Button onClick={openAsText}>{trans.__('Open in Text Editor')}</Button>
    </>
  );
}

function CommandField({ node }: { node: IGraphNode }): JSX.Element {
  const { model } = useCanvas();
  const command = node.stage.commands.join('\n');
  const [draft, setDraft] = useState(command);
  const id = useId();
  const commit = (): void => {
    const text = draft.trim();
    if (
      text !== '' &&
      text !== command &&
      model.drawing.graph.nodes.has(node.id)
    ) {
      model.document.edit(setCommand(node.id, text));
    }
  };
  useFlush(commit);
  return (
    <div className="jp-mlws-Field">
      <label htmlFor={id}>{trans.__('Command')}</label>
      <textarea
        id={id}
        className="jp-mod-styled jp-mlws-CommandField"
        rows={Math.min(8, draft.split('\n').length + 1)}
        spellCheck={false}
        value={draft}
        onChange={event => setDraft(event.target.value)}
        // An empty command is not written: the field shows the present command.
        onBlur={() => (draft.trim() === '' ? setDraft(command) : commit())}
      />
      {draft.trim() === '' && (
        <div className="jp-mlws-Field-error" role="alert">
          {trans.__('The node has no command')}
        </div>
      )}
    </div>
  );
}

/** List of files with a field that adds a file. */
function Files(props: {
  node: IGraphNode;
  title: string;
  entries: readonly IPathEntry[];
  lists?: OutputList[];
  add: (path: string, list: OutputList) => Edit;
}): JSX.Element {
  const { model } = useCanvas();
  const { node, title, entries, lists = [], add } = props;
  const [draft, setDraft] = useState('');
  const [list, setList] = useState<OutputList>('outs');
  const id = useId();
  const { isEditable } = node.stage;
  const commit = (): void => {
    const path = draft.trim();
    if (path !== '') {
      setDraft('');
      model.document.edit(add(path, list));
    }
  };
  const words: Record<OutputList, string> = {
    outs: trans.__('file'),
    metrics: trans.__('metrics'),
    plots: trans.__('plot')
  };
  return (
    <section aria-label={title}>
      <h4>{title}</h4>
      <ul className="jp-mlws-Paths">
        {entries.map(entry => (
          <li key={`${entry.list}:${entry.index}`}>
            <span className="jp-mlws-Field-item">
              <span className="jp-mlws-Field-link" title={entry.raw}>
                {entry.raw}
              </span>
              {lists.length > 0 && entry.list !== 'outs' && (
                <span className="jp-mlws-Field-type">
                  {words[entry.list as OutputList]}
                </span>
              )}
              {isEditable && (
                <RemoveButton
                  label={trans.__('Remove %1', entry.raw)}
                  onClick={() =>
                    void model.document.edit(removeFile(node.id, entry))
                  }
                />
              )}
            </span>
          </li>
        ))}
      </ul>
      {isEditable && (
        <div className="jp-mlws-Field jp-mlws-Field-item">
          <input
            id={id}
            className="jp-mod-styled"
            aria-label={trans.__('Add to %1', title)}
            placeholder={trans.__('Path relative to the project folder')}
            value={draft}
            onChange={event => setDraft(event.target.value)}
            onKeyDown={event =>
              event.key === 'Enter' &&
              !event.nativeEvent.isComposing &&
              commit()
            }
          />
          {lists.length > 0 && (
            <select
              className="jp-mod-styled"
              aria-label={trans.__('Output type')}
              value={list}
              onChange={event => setList(event.target.value as OutputList)}
            >
              {lists.map(one => (
                <option key={one} value={one}>
                  {words[one]}
                </option>
              ))}
            </select>
          )}
          <Button onClick={commit} disabled={draft.trim() === ''}>
            {trans.__('Add')}
          </Button>
        </div>
      )}
    </section>
  );
}
