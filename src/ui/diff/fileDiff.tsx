import { useState, type ReactNode } from 'react';

import type { IDiffHunk, IFileDiff } from '../../api/models';
import { Check, Hint } from '../controls';
import { fileSize } from '../format';
import { trans } from '../locale';
import { CellDiffs } from './cellDiffs';
import { DiffText } from './diffText';
import { hunkLines, parseUnified, splitAtHunks } from './unified';

function Hunks(props: {
  diff: IFileDiff;
  hunk?: (hunk: IDiffHunk) => ReactNode;
}): JSX.Element {
  const { diff, hunk } = props;
  return (
    <>
      {diff.hunks.map(one => (
        <section
          key={one.id}
          className="jp-mlws-Hunk"
          data-mlws-hunk={one.id}
          aria-label={trans.__('From line %1', one.new_start)}
        >
          <header>
            <code>
              {`@@ −${one.old_start},${one.old_lines} +${one.new_start},${one.new_lines} @@ ${one.section}`}
            </code>
            {hunk?.(one)}
          </header>
          <DiffText lines={hunkLines(one)} />
        </section>
      ))}
    </>
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
  /** Buttons of a hunk. */
  hunk?: (hunk: IDiffHunk) => ReactNode;
  /** Its rows, if it is a table; its files, if it is a folder of data. */
  table?: ReactNode;
}): JSX.Element {
  const { diff, hunk, table } = props;
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
  if (lines.length === 0) {
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
      ) : hasHunks ? (
        <Hunks diff={diff} hunk={hunk} />
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
