import type { Node, NodeProps } from '@xyflow/react';
import { memo, useEffect, useRef, useState } from 'react';

import { trans } from '../../ui/locale';
import { Markdown } from '../../ui/markdown';
import { useCanvas } from '../context';
import { useFlush, useSlot } from '../hooks';
import * as gestures from '../store/gestures';

export type NoteNode = Node<{ index: number; text: string }, 'note'>;
export type FrameNode = Node<{ index: number; title: string }, 'frame'>;

/** Text note on the canvas; a double click or Enter starts editing. */
export const NoteView = memo(({ data, selected }: NodeProps<NoteNode>) => {
  const { model, renderers } = useCanvas();
  const { isEditing, begin, field } = useEditing<HTMLTextAreaElement>(
    `notes:${data.index}`,
    data.text,
    text => gestures.setNote(model, data.index, text)
  );
  return (
    <div
      className={`jp-mlws-StickyNote${selected ? ' jp-mod-selected' : ''}`}
      data-mlws-note={data.index}
      onDoubleClick={begin}
    >
      {isEditing ? (
        <textarea {...field} rows={4} aria-label={trans.__('Note')} />
      ) : data.text ? (
        <Markdown text={data.text} renderers={renderers} />
      ) : (
        <span className="jp-mlws-Empty">{trans.__('Empty note')}</span>
      )}
    </div>
  );
});

/** A box around nodes; it moves them along. */
export const FrameView = memo(({ data, selected }: NodeProps<FrameNode>) => {
  const { model } = useCanvas();
  const { isEditing, begin, field } = useEditing<HTMLInputElement>(
    `frames:${data.index}`,
    data.title,
    title => gestures.setFrameTitle(model, data.index, title)
  );
  return (
    <div
      className={`jp-mlws-Frame${selected ? ' jp-mod-selected' : ''}`}
      data-mlws-frame={data.index}
      onDoubleClick={begin}
    >
      <div className="jp-mlws-Frame-title">
        {isEditing ? (
          <input {...field} aria-label={trans.__('Title')} />
        ) : (
          data.title || trans.__('Frame')
        )}
        <button
          className="jp-mlws-Group-toggle nodrag nopan"
          title={trans.__('Collapse into one node')}
          aria-label={trans.__(
            'Collapse “%1”',
            data.title || trans.__('Frame')
          )}
          onClick={() => gestures.toggleCollapsed(model, data.index)}
          onDoubleClick={event => event.stopPropagation()}
        />
      </div>
    </div>
  );
});

/** Makes a text editable in place. Blur saves the text, Escape discards it. */
export function useEditing<T extends HTMLInputElement | HTMLTextAreaElement>(
  id: string,
  value: string,
  commit: (text: string) => void
): {
  isEditing: boolean;
  begin: () => void;
  field: React.InputHTMLAttributes<T> & {
    ref: React.RefObject<T>;
    'data-lm-suppress-shortcuts': 'true';
  };
} {
  const { model } = useCanvas();
  const [draft, setDraft] = useState<string | null>(null);
  const ref = useRef<T>(null);
  const isEditing = draft !== null;
  const latest = useRef(draft);
  latest.current = draft;
  useFlush(() => {
    if (latest.current !== null) {
      commit(latest.current);
    }
  });
  const begin = (): void => setDraft(before => before ?? value);
  const ask = (): void => {
    if (model.selection.takeRename(id)) {
      begin();
    }
  };
  useSlot(model.selection.renameRequested, ask);
  // The request may precede the first render.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  useEffect(ask, [id]);
  useEffect(() => {
    if (isEditing) {
      ref.current?.focus();
      ref.current?.select();
    }
  }, [isEditing]);
  const end = (isKept: boolean): void => {
    const text = latest.current;
    setDraft(null);
    latest.current = null;
    if (isKept && text !== null) {
      commit(text);
    }
  };
  return {
    isEditing,
    begin,
    field: {
      ref,
      'data-lm-suppress-shortcuts': 'true',
      className: 'nodrag nowheel jp-mod-styled',
      value: draft ?? '',
      onChange: event => setDraft(event.target.value),
      onBlur: () => end(true),
      onKeyDown: event => {
        event.stopPropagation();
        const isOver =
          event.key === 'Escape' ||
          (event.key === 'Enter' &&
            !event.shiftKey &&
            !event.nativeEvent.isComposing);
        if (isOver) {
          event.preventDefault();
          end(event.key === 'Enter');
        }
      }
    }
  };
}
