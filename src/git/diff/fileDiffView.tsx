import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { useMemo } from 'react';

import type { MLWSClient } from '../../api/client';
import type { IDiffHunk, IFileDiff } from '../../api/models';
import { DiffLanguage } from '../../ui/diff/diffText';
import { FileDiffBody, type IHunkAction } from '../../ui/diff/fileDiff';
import { isTable, TableDiff } from '../../ui/diff/tableDiff';
import { lineName, type IDiffLine } from '../../ui/diff/unified';
import { DiffSides } from '../../ui/diffSides';
import { trans } from '../../ui/locale';
import { Answer, ServerView, useGet } from '../../ui/server';
import { useViewActions } from '../../ui/viewActions';
import { EMPTY_TREE, staleTimeOf, type IVersions } from './diff';
import type { StagingActions } from '../changes/stagingActions';

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

function FileDiff(props: IProps): JSX.Element {
  const { client, path, versions } = props;
  const { staged } = versions;
  const query = staged === undefined ? versions : { staged };
  const staleTime = staleTimeOf(versions);
  const answer = useGet<'/git/diff', IFileDiff>(
    client,
    '/git/diff',
    { path, ...query },
    { staleTime }
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
            <FileDiffBody
              diff={diff}
              hunkActions={
                staged === undefined
                  ? undefined
                  : (hunk, lines) => hunkActions(props, hunk, lines)
              }
              onCompareFiles={props.onCompareFiles}
              table={
                isTable(path) && (
                  <TableDiff
                    client={client}
                    path={path}
                    query={query}
                    staleTime={staleTime}
                  />
                )
              }
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
