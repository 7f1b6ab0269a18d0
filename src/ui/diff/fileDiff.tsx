import { useState, type ReactNode } from 'react';

import type { IDiffHunk, IFileDiff } from '../../api/models';
import { Button, Check, Hint } from '../controls';
import { fileSize } from '../format';
import { trans } from '../locale';
import { CellDiffs } from './cellDiffs';
import { DiffText } from './diffText';
import {
  hunkLines,
  parseUnified,
  splitAtHunks,
  type IDiffLine
} from './unified';

/** A button of a hunk, also pressed by a key in the hunk. */
export interface IHunkAction {
  label: string;
  className: string;
  key: string;
  execute: () => void;
}

/** Returns the buttons of a hunk, for its changed lines that are selected. */
type HunkActions = (
  hunk: IDiffHunk,
  lines: readonly IDiffLine[]
) => readonly IHunkAction[];

function Hunk(props: { hunk: IDiffHunk; actions?: HunkActions }): JSX.Element {
  const { hunk } = props;
  const [selected, setSelected] = useState<readonly IDiffLine[]>([]);
  const actions = props.actions?.(hunk, selected) ?? [];
  return (
    <section
      className="jp-mlws-Hunk"
      data-mlws-hunk={hunk.id}
      aria-label={trans.__('From line %1', hunk.new_start)}
      onKeyDown={event => {
        const action = actions.find(({ key }) => key === event.key);
        if (action && !event.ctrlKey && !event.metaKey && !event.altKey) {
          event.preventDefault();
          action.execute();
        }
      }}
    >
      <header>
        <code>
          {`@@ −${hunk.old_start},${hunk.old_lines} +${hunk.new_start},${hunk.new_lines} @@ ${hunk.section}`}
        </code>
        <span className="jp-mlws-Hunk-buttons">
          {actions.map(({ label, className, key, execute }) => (
            <Button
              key={key}
              className={className}
              title={`${label} (${key.toUpperCase()})`}
              onClick={execute}
            >
              {label}
            </Button>
          ))}
        </span>
      </header>
      <DiffText lines={hunkLines(hunk)} onSelect={setSelected} />
    </section>
  );
}

/** Message for a diff without text, with the known facts about both versions. */
export function hiddenText(diff: IFileDiff): string {
  const [old, now] = (['old', 'new'] as const).map(side => {
    const bytes = diff[`${side}_size`];
    const size = bytes === null ? '–' : fileSize(bytes);
    const count = diff[`${side}_files`];
    return count === null
      ? size
      : trans._n('%1 file, %2', '%1 files, %2', count, size);
  });
  switch (diff.hidden) {
    case 'too_large':
      return trans.__('Too large to show here: %1 → %2', old, now);
    case 'folder':
      return trans.__('Folder: %1 → %2', old, now);
    case 'not_stored':
      return trans.__(
        'The content is not stored here. Pull the data to compare it.'
      );
    default:
      return trans.__('Binary file: %1 → %2', old, now);
  }
}

function AsText(props: {
  checked: boolean;
  onChange: (checked: boolean) => void;
}): JSX.Element {
  return (
    <Check className="jp-mlws-Compare-option" {...props}>
      {trans.__('Show as text')}
    </Check>
  );
}

/** The changes of a file: by row, by cell, by hunk, or why there is no text. */
export function FileDiffBody(props: {
  diff: IFileDiff;
  hunkActions?: HunkActions;
  /** Shown in place of the hunks of a text. */
  text?: ReactNode;
  /** Its rows, if it is a table; its files, if it is a folder of data. */
  table?: ReactNode;
}): JSX.Element {
  const { diff, hunkActions, text, table } = props;
  const [asText, setAsText] = useState(false);
  if (table && !(asText && diff.hidden === null)) {
    return (
      <>
        {diff.hidden === null && (
          <AsText checked={asText} onChange={setAsText} />
        )}
        {table}
      </>
    );
  }
  if (diff.hidden !== null) {
    return <Hint>{hiddenText(diff)}</Hint>;
  }
  const lines = parseUnified(diff.unified);
  if (lines.length === 0 && !text) {
    return <Hint>{trans.__('No differences.')}</Hint>;
  }
  const cells = diff.cells !== null && !asText;
  // A new or deleted file is staged as a whole.
  const hasHunks =
    diff.hunks.length > 0 && diff.old !== null && diff.new !== null;
  return (
    <>
      {table && <AsText checked={asText} onChange={setAsText} />}
      {diff.cells !== null && (
        <Check
          className="jp-mlws-Compare-option"
          checked={asText}
          onChange={setAsText}
        >
          {trans.__('Show raw JSON (with outputs)')}
        </Check>
      )}
      {cells ? (
        <CellDiffs cells={diff.cells!} />
      ) : text ? (
        text
      ) : hasHunks ? (
        diff.hunks.map(hunk => (
          <Hunk key={hunk.id} hunk={hunk} actions={hunkActions} />
        ))
      ) : (
        splitAtHunks(lines).map((part, index) => (
          <DiffText key={index} lines={part} />
        ))
      )}
      {diff.truncated && (
        <p className="jp-mlws-Note">{trans.__('Diff truncated.')}</p>
      )}
    </>
  );
}
