import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { useMemo } from 'react';

import type { MLWSClient } from '../../api/client';
import type { IFileDiff } from '../../api/models';
import { Button } from '../../ui/controls';
import { DiffLanguage } from '../../ui/diff/diffText';
import { FileDiffBody } from '../../ui/diff/fileDiff';
import { FolderDiff, namesFolder } from '../../ui/diff/folderDiff';
import { isTable, TableDiff } from '../../ui/diff/tableDiff';
import { DiffSides } from '../../ui/diffSides';
import { trans } from '../../ui/locale';
import { Answer, ServerView, useGet } from '../../ui/server';
import { useViewActions } from '../../ui/viewActions';
import { EMPTY_TREE, staleTimeOf, type IVersions } from './diff';
import type { Selection, StagingActions } from '../changes/stagingActions';

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
  const shown = answer.data;
  const text = `${shown?.old ?? ''}\n${shown?.new ?? ''}`;
  const folder =
    shown?.hidden === 'folder'
      ? path
      : namesFolder(path, text)
        ? path.slice(0, -'.dvc'.length)
        : null;
  const language = useMemo(() => ({ path, languages }), [path, languages]);
  return (
    <Answer of={answer}>
      {diff => (
        <>
          <DiffSides title={path} names={versionNames(versions)} />
          <DiffLanguage.Provider value={language}>
            <FileDiffBody
              diff={diff}
              hunk={({ id }) => (
                <HunkButtons
                  {...props}
                  selection={{ hunks: [{ path, ids: [id] }] }}
                />
              )}
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
