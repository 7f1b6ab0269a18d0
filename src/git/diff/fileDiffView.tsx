import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { ISignal } from '@lumino/signaling';
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';

import type { MLWSClient } from '../../api/client';
import type { IDiffHunk, IFileDiff } from '../../api/models';
import { DiffLanguage, DiffText } from '../../ui/diff/diffText';
import { FileDiffBody, type IHunkAction } from '../../ui/diff/fileDiff';
import { FolderDiff, namesFolder } from '../../ui/diff/folderDiff';
import { isTable, TableDiff } from '../../ui/diff/tableDiff';
import { lineName, type IDiffLine } from '../../ui/diff/unified';
import { DiffSides } from '../../ui/diffSides';
import { trans } from '../../ui/locale';
import { Hint } from '../../ui/controls';
import { Answer, ServerView, useGet } from '../../ui/server';
import { useValue, type State } from '../../ui/state';
import { useViewActions } from '../../ui/viewActions';
import { type ITextDocument } from '../../lab/documents';
import { notifyOnError } from '../../lab/notify';
import { linesBeside, type Side } from './besideLines';
import { SideBySide } from './sideBySide';
import { isAtHead, staleTimeOf, versionNames, type IVersions } from './diff';
import type { StagingActions } from '../changes/stagingActions';

interface IProps {
  client: MLWSClient;
  path: string;
  versions: IVersions;
  staging: StagingActions;
  languages: IEditorLanguageRegistry | null;
  isSideBySide: State<boolean>;
  /** True while closing the view would lose edits. */
  unsaved: State<boolean>;
  /** Opens the document of the file in the working tree. */
  share: () => Promise<ITextDocument | null>;
  /** Emitted when another tab becomes the current one. */
  currentChanged: ISignal<unknown, unknown> | undefined;
  onOpen: () => void;
  onSave: () => void;
  /** Called when the file on disk differs from its document. */
  onChange: () => void;
}

/** Lines that are selected in a side. */
interface IPart {
  side: Side;
  lines: readonly [number, number];
}

/** Buttons of a hunk of a diff with the index, or of the selected lines of it. */
function hunkActions(
  { path, staging, versions: { staged } }: IProps,
  { id }: IDiffHunk,
  lines: readonly IDiffLine[]
): IHunkAction[] {
  const isPart = lines.length > 0;
  const part = isPart && { lines: lines.map(lineName) };
  const selection = { hunks: [{ path, ids: [id], ...part }] };
  if (staged) {
    return [
      {
        label: isPart ? trans.__('Unstage Lines') : trans.__('Unstage Hunk'),
        className: 'jp-mlws-UnstageButton',
        key: 's',
        execute: () => void staging.unstage(selection)
      }
    ];
  }
  return [
    {
      label: isPart ? trans.__('Stage Lines') : trans.__('Stage Hunk'),
      className: 'jp-mlws-StageButton',
      key: 's',
      execute: () => void staging.stage(selection)
    },
    {
      label: isPart ? trans.__('Discard Lines…') : trans.__('Discard Hunk…'),
      className: 'jp-mlws-DiscardButton',
      key: 'Delete',
      execute: () => void staging.discard(selection)
    }
  ];
}

/**
 * Returns the document of the right side, or null; one that is opened in an editor replaces it.
 *
 * It is kept as long as the view, for its edits.
 */
function useDocument(
  { share, currentChanged }: IProps,
  isEditable: boolean
): { file: ITextDocument | null; isDirty: boolean } {
  const [file, setFile] = useState<ITextDocument | null>(null);
  const [isDirty, setDirty] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const isWanted = useRef(false);
  isWanted.current ||= isEditable;
  const isStarted = isWanted.current;
  useEffect(() => {
    let isOver = false;
    let current: ITextDocument | null = null;
    const update = () => setDirty(current!.context.model.dirty);
    const again = () => setAttempt(count => count + 1);
    const look = async () => {
      if (current?.isOwn) {
        const shared = await share();
        shared?.release();
        if (!isOver && !shared?.isOwn && !current.context.model.dirty) {
          again();
        }
      }
    };
    const onCurrent = () => void notifyOnError(look);
    const start = async () => {
      const shared = await share();
      if (isOver) {
        shared?.release();
        return;
      }
      current = shared;
      if (shared) {
        shared.context.disposed.connect(again);
        shared.context.model.stateChanged.connect(update);
        update();
      }
      setFile(shared);
    };
    if (isStarted) {
      void notifyOnError(start);
      currentChanged?.connect(onCurrent);
    }
    return () => {
      isOver = true;
      setFile(null);
      setDirty(false);
      currentChanged?.disconnect(onCurrent);
      current?.context.disposed.disconnect(again);
      current?.context.model.stateChanged.disconnect(update);
      current?.release();
    };
  }, [share, currentChanged, isStarted, attempt]);
  return { file, isDirty };
}

/** Tests whether a file can be shown side by side: a text that is not cut. */
function isWholeText(diff: IFileDiff): boolean {
  return diff.hidden === null && diff.cells === null && !diff.truncated;
}

/** The character that stands for bytes that are not UTF-8, which a save would change. */
const NOT_UTF8 = '\ufffd';

function FileDiff(props: IProps): JSX.Element {
  const { client, path, versions, languages, staging, unsaved } = props;
  const { staged } = versions;
  const query = staged === undefined ? versions : { staged };
  const staleTime = staleTimeOf(versions);
  const answer = useGet<'/git/diff', IFileDiff>(
    client,
    '/git/diff',
    { path, ...query },
    { staleTime }
  );
  const { data } = answer;
  const texts = `${data?.old ?? ''}\n${data?.new ?? ''}`;
  const folder =
    data?.hidden === 'folder'
      ? path
      : namesFolder(path, texts)
        ? path.slice(0, -'.dvc'.length)
        : null;
  const isBeside = useValue(props.isSideBySide);
  const isOfWorkingTree = versions.to === undefined && staged !== true;
  const { file, isDirty } = useDocument(
    props,
    isBeside &&
      isOfWorkingTree &&
      !!data &&
      isWholeText(data) &&
      !!data.new &&
      !path.endsWith('.ipynb') &&
      !data.new.includes(NOT_UTF8)
  );
  const { onChange } = props;
  useEffect(() => {
    if (file && !isDirty && typeof data?.new === 'string') {
      const text = data.new.replace(/\r\n?/g, '\n');
      if (text !== file.context.model.toString()) {
        onChange();
      }
    }
    // Only what is on disk counts.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [data?.new, file]);
  useEffect(() => {
    unsaved.value = isDirty && !!file?.isOwn;
    return () => {
      unsaved.value = false;
    };
  }, [unsaved, isDirty, file]);

  const [part, setPart] = useState<IPart | null>(null);
  const hunks = data?.hunks ?? [];
  const lines = part && linesBeside(hunks, part.side, part.lines);
  const isPart = isBeside && !!lines && lines.lines.length > 0;
  const selection = isPart
    ? { hunks: [{ path, ...lines }] }
    : { paths: [path] };
  const isChanged = !!data?.hidden || !!data?.unified;
  // Hunks are those of the file on disk.
  const isEnabled = !isPart || !isDirty;
  useViewActions({
    stage: isChanged &&
      staged === false && {
        label: isPart ? trans.__('Stage Lines') : trans.__('Stage'),
        isEnabled,
        execute: () => void staging.stage(selection)
      },
    unstage: isChanged &&
      staged === true && {
        label: isPart ? trans.__('Unstage Lines') : trans.__('Unstage'),
        execute: () => void staging.unstage(selection)
      },
    discard: isChanged &&
      staged === false && {
        label: isPart ? trans.__('Discard Lines…') : trans.__('Discard…'),
        isEnabled,
        execute: () => void staging.discard(selection)
      },
    save: file !== null && {
      label: trans.__('Save'),
      isEnabled: isDirty,
      execute: props.onSave
    },
    'open-file': { label: trans.__('Open File'), execute: props.onOpen },
    layout: !isAtHead(versions) && {
      label: isBeside ? trans.__('Inline') : trans.__('Side by Side'),
      execute: () => {
        props.isSideBySide.value = !isBeside;
      }
    }
  });
  const language = useMemo(() => ({ path, languages }), [path, languages]);
  const names = versionNames(versions);
  const text = (diff: IFileDiff): ReactNode => {
    if (isAtHead(versions)) {
      return <DiffText lines={wholeText(diff.new ?? '')} />;
    }
    return (
      isBeside &&
      isWholeText(diff) && (
        <SideBySide
          old={diff.old ?? ''}
          now={diff.new ?? ''}
          names={names}
          file={file?.context ?? null}
          onSelect={(side, range) => setPart(range && { side, lines: range })}
        />
      )
    );
  };
  return (
    <Answer of={answer}>
      {diff => (
        <>
          <DiffSides
            title={path}
            names={isAtHead(versions) ? names.slice(1) : names}
          />
          {isBeside && diff.truncated && (
            <Hint>
              {trans.__('The file is too large to be shown side by side.')}
            </Hint>
          )}
          <DiffLanguage.Provider value={language}>
            <FileDiffBody
              diff={diff}
              hunkActions={
                staged === undefined
                  ? undefined
                  : (hunk, lines) => hunkActions(props, hunk, lines)
              }
              text={text(diff)}
              table={
                folder !== null ? (
                  <FolderDiff
                    client={client}
                    path={folder}
                    versions={{
                      from: staged === undefined ? versions.from : 'HEAD',
                      to: versions.to
                    }}
                  />
                ) : (
                  isTable(path) && (
                    <TableDiff
                      client={client}
                      path={path}
                      query={query}
                      staleTime={staleTime}
                    />
                  )
                )
              }
            />
          </DiffLanguage.Provider>
        </>
      )}
    </Answer>
  );
}

/** A text without changes, as lines of a diff. */
function wholeText(text: string): IDiffLine[] {
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((line, at) => ({ kind: 'same', text: line, from: null, to: at + 1 }));
}

/** Diff of a file between two versions, in the main area. */
export function fileDiffView(props: IProps): ServerView {
  const { client, path, versions } = props;
  const name = path.split('/').pop() ?? path;
  return new ServerView(client, () => <FileDiff {...props} />, {
    label: isAtHead(versions)
      ? trans.__('%1 (HEAD)', name)
      : trans.__('Changes in %1', name),
    className: 'jp-mlws-View jp-mlws-FileDiff',
    help: 'reference-versions',
    caption: path
  });
}
