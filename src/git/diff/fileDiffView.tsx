import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { useMemo, useState, type ReactNode } from 'react';

import type { MLWSClient } from '../../api/client';
import type { IDiffHunk, IFileDiff } from '../../api/models';
import { fileSize } from '../../ui/format';
import { Button, Check, Hint } from '../../ui/controls';
import { DiffSides } from '../../ui/diffSides';
import { trans } from '../../ui/locale';
import { Answer, ServerView, useGet } from '../../ui/server';
import { useViewActions } from '../../ui/viewActions';
import { CellDiffs } from './cellDiffs';
import { EMPTY_TREE, staleTimeOf, type IVersions } from './diff';
import { DiffLanguage, DiffText } from './diffText';
import type { Selection, StagingActions } from '../changes/stagingActions';
import { hunkLines, parseUnified, splitAtHunks } from './unified';

/** Labels of the two sides of a comparison. */
export function versionNames(versions: IVersions): [string, string] {
  const short = (version: string) => {
    const labels: Record<string, string> = {
      HEAD: trans.__('current snapshot'),
      [EMPTY_TREE]: trans.__('empty')
    };
    return labels[version] ?? version.slice(0, 8);
  };
  if (versions.staged !== undefined) {
    return versions.staged
      ? [short('HEAD'), trans.__('staged')]
      : [trans.__('snapshot with staged changes'), trans.__('working tree')];
  }
  return [
    short(versions.from),
    versions.to ? short(versions.to) : trans.__('working tree')
  ];
}

function Hunks(props: {
  diff: IFileDiff;
  hunk: (hunk: IDiffHunk) => ReactNode;
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
            {hunk(one)}
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

function Body(props: {
  diff: IFileDiff;
  hunk: (hunk: IDiffHunk) => ReactNode;
  onCompareFiles?: () => void;
}): JSX.Element {
  const { diff, hunk, onCompareFiles } = props;
  const [asText, setAsText] = useState(false);
  if (diff.hidden !== null) {
    return (
      <>
        <Hint>{hiddenText(diff)}</Hint>
        {diff.hidden === 'folder' && onCompareFiles && (
          <Button className="jp-mlws-CompareButton" onClick={onCompareFiles}>
            {trans.__('Compare Files')}
          </Button>
        )}
      </>
    );
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

interface IProps {
  client: MLWSClient;
  path: string;
  versions: IVersions;
  staging: StagingActions;
  languages: IEditorLanguageRegistry | null;
  onOpen: () => void;
  /** Lists the files of a folder of data that differ. */
  onCompareFiles?: () => void;
}

/** The buttons of a hunk of a diff with the index. */
function HunkButtons(
  props: IProps & { selection: Selection }
): JSX.Element | null {
  const { selection, staging } = props;
  const { staged } = props.versions;
  if (staged === undefined) {
    return null;
  }
  return (
    <span className="jp-mlws-Hunk-buttons">
      {staged ? (
        <Button
          className="jp-mlws-UnstageButton"
          onClick={() => void staging.unstage(selection)}
        >
          {trans.__('Unstage Hunk')}
        </Button>
      ) : (
        <>
          <Button
            className="jp-mlws-StageButton"
            onClick={() => void staging.stage(selection)}
          >
            {trans.__('Stage Hunk')}
          </Button>
          <Button
            className="jp-mlws-DiscardButton"
            onClick={() => void staging.discard(selection)}
          >
            {trans.__('Discard Hunk…')}
          </Button>
        </>
      )}
    </span>
  );
}

function FileDiff(props: IProps): JSX.Element {
  const { client, path, versions } = props;
  const { staged } = versions;
  const answer = useGet<'/git/diff', IFileDiff>(
    client,
    '/git/diff',
    { path, ...(staged === undefined ? versions : { staged }) },
    { staleTime: staleTimeOf(versions) }
  );
  const { languages, staging } = props;
  const whole = { paths: [path] };
  const isChanged = !!answer.data?.hidden || !!answer.data?.unified;
  useViewActions({
    stage: isChanged &&
      staged === false && {
        label: trans.__('Stage'),
        execute: () => void staging.stage(whole)
      },
    unstage: isChanged &&
      staged === true && {
        label: trans.__('Unstage'),
        execute: () => void staging.unstage(whole)
      },
    discard: isChanged &&
      staged === false && {
        label: trans.__('Discard…'),
        execute: () => void staging.discard(whole)
      },
    'open-file': { label: trans.__('Open File'), execute: props.onOpen }
  });
  const language = useMemo(() => ({ path, languages }), [path, languages]);
  return (
    <Answer of={answer}>
      {diff => (
        <>
          <DiffSides title={path} names={versionNames(versions)} />
          <DiffLanguage.Provider value={language}>
            <Body
              diff={diff}
              hunk={({ id }) => (
                <HunkButtons
                  {...props}
                  selection={{ hunks: [{ path, ids: [id] }] }}
                />
              )}
              onCompareFiles={props.onCompareFiles}
            />
          </DiffLanguage.Provider>
        </>
      )}
    </Answer>
  );
}

/** Diff of a file between two versions, in the main area. */
export function fileDiffView(props: IProps): ServerView {
  const { client, path } = props;
  return new ServerView(client, () => <FileDiff {...props} />, {
    label: trans.__('Changes in %1', path.split('/').pop() ?? path),
    className: 'jp-mlws-View jp-mlws-FileDiff',
    help: 'reference-versions',
    caption: path
  });
}
