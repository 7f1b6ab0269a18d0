import { useEffect, useId, useRef, useState } from 'react';

import { trans } from '../../ui/locale';
import { setTitle } from '../document/stages';
import type { IGraphNode } from '../graph/graph';
import { useCanvas } from '../context';
import { useFlush, useSlot } from '../hooks';
import { type NameFault, nameFault } from '../document/rename';
import * as gestures from '../store/gestures';

function faultText(fault: NameFault): string {
  const texts: Record<NameFault, string> = {
    shape: trans.__("Use letters, digits, “_” and “-”; don't start with “-”."),
    reserved: trans.__('This name is reserved. Choose another name.'),
    taken: trans.__('A node with this name already exists.')
  };
  return texts[fault];
}

/** The name of a node, to be changed in its place. */
export function NameField({ node }: { node: string }): JSX.Element {
  const { model } = useCanvas();
  const [draft, setDraft] = useState(node);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const name = draft.trim();
  const fault = nameFault(model.document.workflow, node, name);
  const commit = (): void => {
    if (name !== node && !fault && model.drawing.graph.nodes.has(node)) {
      gestures.rename(model, node, name);
    }
  };
  useFlush(commit);
  useSlot(model.selection.renameRequested, asked => {
    if (asked === node) {
      field.current?.focus();
      field.current?.select();
    }
  });
  return (
    <div className="jp-mlws-Field">
      <label htmlFor={id}>{trans.__('Name')}</label>
      <input
        id={id}
        ref={field}
        className="jp-mod-styled jp-mlws-NameField"
        value={draft}
        aria-invalid={fault !== null}
        aria-describedby={fault ? `${id}-fault` : undefined}
        onChange={event => setDraft(event.target.value)}
        onBlur={() => (fault ? setDraft(node) : commit())}
        onKeyDown={event => {
          if (event.nativeEvent.isComposing) {
            return;
          }
          if (event.key === 'Enter') {
            commit();
          } else if (event.key === 'Escape') {
            setDraft(node);
          }
        }}
      />
      {fault && (
        <div id={`${id}-fault`} className="jp-mlws-Field-error" role="alert">
          {faultText(fault)}
        </div>
      )}
    </div>
  );
}

/** Title of a node: free text on its card. Without a title the card shows the name. */
export function TitleField({ node }: { node: IGraphNode }): JSX.Element {
  const { model } = useCanvas();
  // More lines describe the node; they stay as they are.
  const [title, ...more] = (node.stage.description ?? '').split('\n');
  const [draft, setDraft] = useState(title);
  const id = useId();
  useEffect(() => setDraft(title), [title]);
  const commit = (): void => {
    const text = draft.trim();
    if (text !== title && model.drawing.graph.nodes.has(node.id)) {
      model.document.edit(setTitle(node.id, [text, ...more].join('\n').trim()));
    }
  };
  useFlush(commit);
  return (
    <div className="jp-mlws-Field">
      <label htmlFor={id}>{trans.__('Title')}</label>
      <input
        id={id}
        className="jp-mod-styled"
        value={draft}
        placeholder={node.id}
        onChange={event => setDraft(event.target.value)}
        onBlur={commit}
        onKeyDown={event => {
          if (event.key === 'Enter' && !event.nativeEvent.isComposing) {
            commit();
          }
        }}
      />
    </div>
  );
}
