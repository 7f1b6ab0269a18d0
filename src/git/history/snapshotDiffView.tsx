import type { MLWSClient } from '../../api/client';
import { Hint } from '../../ui/controls';
import { cellText, fileSize } from '../../ui/format';
import type { IDifferingRow, ISnapshotDiff } from '../../api/models';
import { Rows } from '../../ui/rows';
import { Answer, ServerView, useGet } from '../../ui/server';
import { staleTimeOf, versionNames } from '../diff/diff';
import { dataIcon, kindIcons } from '../../ui/fileIcons';
import { kindLabel, stateLabel } from '../../ui/changeLabels';
import { DiffSides } from '../../ui/diffSides';
import { RowParts } from '../../ui/rowParts';
import { Head } from '../../ui/table/heading';
import { LineCounts } from '../../ui/lineCounts';
import { trans } from '../../ui/locale';

function Values(props: {
  title: string;
  names: [string, string];
  values: readonly IDifferingRow[];
}): JSX.Element | null {
  if (props.values.length === 0) {
    return null;
  }
  return (
    <section>
      <h3>{props.title}</h3>
      <table className="jp-mlws-Values">
        <Head names={['', ...props.names]} />
        <tbody>
          {props.values.map(value => (
            <tr key={value.name}>
              <th scope="row">{value.name}</th>
              <td>{cellText(value.from)}</td>
              <td className="jp-mod-differs">{cellText(value.to)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Files(props: {
  diff: ISnapshotDiff;
  openFile: (path: string) => void;
}): JSX.Element | null {
  const { diff } = props;
  if (diff.files.length === 0) {
    return null;
  }
  return (
    <section>
      <h3>{trans.__('Files')}</h3>
      <Rows label={trans.__('Files')}>
        {diff.files.map(file => {
          const label = `${file.path}: ${kindLabel(file.kind)}, ${stateLabel(file.state)}`;
          return (
            <li key={file.path}>
              <button
                className="jp-mlws-Row"
                data-mlws-row
                aria-label={label}
                title={label}
                onClick={() => props.openFile(file.path)}
              >
                <RowParts
                  icon={kindIcons[file.kind]}
                  name={file.path}
                  state={file.state}
                >
                  <LineCounts file={file} />
                </RowParts>
              </button>
            </li>
          );
        })}
      </Rows>
    </section>
  );
}

function Data(props: {
  diff: ISnapshotDiff;
  openFile: (path: string) => void;
}): JSX.Element | null {
  const { diff } = props;
  if (diff.data.length === 0) {
    return null;
  }
  return (
    <section>
      <h3>{trans.__('Data')}</h3>
      <Rows label={trans.__('Data')}>
        {diff.data.map(data => (
          <li key={data.path}>
            <button
              className="jp-mlws-Row"
              data-mlws-row
              title={stateLabel(data.state)}
              onClick={() => props.openFile(data.path)}
            >
              <RowParts
                icon={dataIcon}
                name={data.path}
                facts={[data.from_size, data.to_size]
                  .map(size => (size === null ? '–' : fileSize(size)))
                  .join(' → ')}
                state={data.state}
              />
            </button>
          </li>
        ))}
      </Rows>
    </section>
  );
}

interface IProps {
  client: MLWSClient;
  from: string;
  to: string;
  onOpenFile: (path: string) => void;
}

/** Comparison of two snapshots: files, data, parameters and metrics. */
function SnapshotDiff({ client, from, to, onOpenFile }: IProps): JSX.Element {
  const answer = useGet(
    client,
    '/snapshots/diff',
    { from, to },
    { staleTime: staleTimeOf({ from, to }) }
  );
  const names = versionNames({ from, to });
  return (
    <Answer of={answer}>
      {diff => (
        <>
          <DiffSides names={names} />
          {[
            diff.files,
            diff.data,
            diff.metrics,
            diff.params,
            diff.environments
          ].every(part => part.length === 0) && (
            <Hint>{trans.__('No differences.')}</Hint>
          )}
          <Values
            title={trans.__('Metrics')}
            names={names}
            values={diff.metrics}
          />
          <Values
            title={trans.__('Parameters')}
            names={names}
            values={diff.params}
          />
          <Values
            title={trans.__('Packages')}
            names={names}
            values={diff.environments}
          />
          <Files diff={diff} openFile={onOpenFile} />
          <Data diff={diff} openFile={onOpenFile} />
        </>
      )}
    </Answer>
  );
}

/** The differences of two snapshots in the main area. */
export function snapshotDiffView(props: IProps): ServerView {
  const { client, from, to } = props;
  const [first, last] = versionNames({ from, to });
  return new ServerView(client, () => <SnapshotDiff {...props} />, {
    label:
      to === 'HEAD'
        ? trans.__('%1 and current', first)
        : trans.__('%1 and %2', first, last),
    className: 'jp-mlws-View jp-mlws-SnapshotDiff',
    help: 'reference-versions'
  });
}
