import { useMemo, useState } from 'react';

import type { IChangedFile, IDiff, IFileDiff } from '../api/models';
import { kindLabel, stateLabel } from '../ui/changeLabels';
import { Empty, Hint } from '../ui/controls';
import { DiffLanguage } from '../ui/diff/diffText';
import { FileDiffBody } from '../ui/diff/fileDiff';
import { isTable, TableDiff } from '../ui/diff/tableDiff';
import { kindIcons } from '../ui/fileIcons';
import { titleOf } from '../ui/format';
import { LineCounts } from '../ui/lineCounts';
import { trans } from '../ui/locale';
import { RowParts } from '../ui/rowParts';
import { Answer, Failures, useGet } from '../ui/server';
import { areFew, codeSides, inReadingOrder, type ICodeSides } from './code';
import { pathOf, type IPartProps } from './pageParts';

/** Code of the error that a commit does not exist. */
const NOT_FOUND = '30404';

/** The changes of the code since the compared run, file by file. */
export function Code(props: IPartProps): JSX.Element {
  const { client, run, baseline } = props;
  const isNested = run.parent !== null && baseline === null;
  const parent = useGet(
    client,
    `/runs/${encodeURIComponent(run.parent ?? '')}`,
    {},
    { enabled: isNested }
  );
  if (run.commit === null) {
    return <Empty>{trans.__('The code of this run was not recorded.')}</Empty>;
  }
  if (isNested && parent.data === undefined && parent.error === null) {
    return <Hint role="status">{trans.__('Loading…')}</Hint>;
  }
  const sides = codeSides(run, baseline, parent.data);
  return (
    <>
      {isNested && <Failures of={[parent]} />}
      {sides ? (
        <Changes {...props} sides={sides} />
      ) : (
        <Empty>
          {baseline
            ? trans.__('The code of the compared run was not recorded.')
            : trans.__(
                'No run is chosen under “Compare with”, and this run had no uncommitted changes.'
              )}
        </Empty>
      )}
    </>
  );
}

function Changes(props: IPartProps & { sides: ICodeSides }): JSX.Element {
  const { client, run, baseline, sides } = props;
  const { from, to } = sides;
  const answer = useGet<'/git/diff', IDiff>(
    client,
    '/git/diff',
    { from, to },
    { staleTime: 'static' }
  );
  const runFiles = useGet(client, `${pathOf(run)}/files`);
  const outputs = useMemo(
    () =>
      new Set(
        runFiles.data?.items
          .filter(one => one.node !== null)
          .map(one => one.path)
      ),
    [runFiles.data]
  );
  const words: Record<ICodeSides['of'], string> = {
    compared: trans.__(
      'What differs from the code of “%1”, including uncommitted changes.',
      baseline ? titleOf(baseline) : ''
    ),
    parent: trans.__('What differs from the code of the run that it is in.'),
    before: trans.__('The uncommitted changes of this run.')
  };
  if (sides.of === 'before' && answer.error?.code === NOT_FOUND) {
    return <Empty>{trans.__('Nothing was committed before this run.')}</Empty>;
  }
  return (
    <Answer of={answer}>
      {({ files }) => (
        <>
          <Failures of={[runFiles]} />
          <Hint>{words[sides.of]}</Hint>
          {files.length === 0 && <Empty>{trans.__('No differences.')}</Empty>}
          <div className="jp-mlws-Group">
            {inReadingOrder(files, outputs).map(file => (
              <File
                key={`${from} ${to} ${file.path}`}
                {...props}
                file={file}
                isOpen={areFew(files)}
              />
            ))}
          </div>
        </>
      )}
    </Answer>
  );
}

/** A file that differs; its changes are read when it is unfolded. */
function File(
  props: IPartProps & {
    sides: ICodeSides;
    file: IChangedFile;
    isOpen: boolean;
  }
): JSX.Element {
  const { file } = props;
  const [isOpen, setOpen] = useState(props.isOpen);
  const from = file.old_path ?? null;
  return (
    <details
      className="jp-mlws-RunPage-file"
      data-mlws-file={file.path}
      open={isOpen}
      onToggle={event => setOpen(event.currentTarget.open)}
    >
      <summary title={`${kindLabel(file.kind)}, ${stateLabel(file.state)}`}>
        <RowParts
          icon={kindIcons[file.kind]}
          name={from === null ? file.path : `${from} → ${file.path}`}
          state={file.state}
        >
          <LineCounts file={file} />
        </RowParts>
      </summary>
      {isOpen && <FileChanges {...props} path={file.path} />}
    </details>
  );
}

function FileChanges(
  props: IPartProps & { sides: ICodeSides; path: string }
): JSX.Element {
  const { client, path, languages, sides } = props;
  const { from, to } = sides;
  const answer = useGet<'/git/diff', IFileDiff>(
    client,
    '/git/diff',
    { path, from, to },
    { staleTime: 'static' }
  );
  const language = useMemo(() => ({ path, languages }), [path, languages]);
  return (
    <Answer of={answer}>
      {diff => (
        <DiffLanguage.Provider value={language}>
          <FileDiffBody
            diff={diff}
            table={
              isTable(path) &&
              diff.hidden !== 'folder' && (
                <TableDiff
                  client={client}
                  path={path}
                  query={{ from, to }}
                  staleTime="static"
                />
              )
            }
          />
        </DiffLanguage.Provider>
      )}
    </Answer>
  );
}
