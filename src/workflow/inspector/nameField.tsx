import type { TranslationBundle } from '@jupyterlab/translation';
import { useId, useRef, useState } from 'react';

import { useCanvas, useFlush, useSlot } from '../store/hooks';
import { type NameFault, nameFault } from '../document/rename';
import * as gestures from '../store/gestures';

function faultText(fault: NameFault, trans: TranslationBundle): string {
  const texts: Record<NameFault, string> = {
    shape: trans.__("Use letters, digits, “_” and “-”; don't start with “-”."),
    reserved: trans.__('This name is reserved. Choose another name.'),
    taken: trans.__('A node with this name already exists.')
  };
  return texts[fault];
}

/** The name of a node, to be changed in its place. */
export function NameField({ node }: { node: string }): JSX.Element {
  const { model, trans } = useCanvas();
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
          {faultText(fault, trans)}
        </div>
      )}
    </div>
  );
}
