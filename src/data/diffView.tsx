import type { MLWSClient } from '../api/client';
import { Hint } from '../ui/controls';
import { stateLetters, stateLabel } from '../ui/changeLabels';
import { MoreButton } from '../lab/moreButton';
import { DiffSides } from '../ui/diffSides';
import { fileSize } from '../ui/format';
import { Answer, ServerView, useGet } from '../ui/server';
import { datasetPath } from './actions';
import { trans } from '../ui/locale';
import { Head } from '../ui/table/heading';

/** Files that are read at once. */
const PAGE_SIZE = 200;

interface IProps {
  client: MLWSClient;
  /** Of the dataset. */
  id: string;
  path: string;
  /** The commit that names the version. */
  from: string;
}

function DatasetDiff({ client, id, from }: IProps): JSX.Element {
  const path = `${datasetPath(id)}/diff` as const;
  const query = { from, limit: PAGE_SIZE };
  const answer = useGet(client, path, query);
  const size = (bytes: number | null) =>
    bytes === null ? '–' : fileSize(bytes);
  return (
    <Answer of={answer}>
      {diff => (
        <>
          <DiffSides
            title={diff.path}
            names={[from.slice(0, 8), trans.__('working tree')]}
          />
          <p className="jp-mlws-Counts">
            {[
              trans._n('%1 file added', '%1 files added', diff.added),
              trans._n('%1 deleted', '%1 deleted', diff.deleted),
              trans._n('%1 modified', '%1 modified', diff.modified),
              trans._n('%1 unchanged', '%1 unchanged', diff.unchanged)
            ].join(' · ')}
          </p>
          {diff.items.length === 0 ? (
            <Hint>{trans.__('No differences.')}</Hint>
          ) : (
            <table className="jp-mlws-Values">
              <Head
                names={[
                  trans.__('File'),
                  trans.__('Change'),
                  trans.__('Previous size'),
                  trans.__('Current size')
                ]}
              />
              <tbody>
                {diff.items.map(file => (
                  <tr key={file.path} data-mlws-path={file.path}>
                    <th scope="row">{file.path}</th>
                    <td
                      className="jp-mlws-ChangeState"
                      data-mlws-state={file.state}
                    >
                      {stateLetters[file.state]} {stateLabel(file.state)}
                    </td>
                    <td>{size(file.from_size)}</td>
                    <td>{size(file.to_size)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          <MoreButton client={client} path={path} query={query} list="items" />
        </>
      )}
    </Answer>
  );
}

/** Diff of a dataset between a snapshot and the working tree, file by file. */
export function datasetDiffView(props: IProps): ServerView {
  const { client, path } = props;
  return new ServerView(client, () => <DatasetDiff {...props} />, {
    label: trans.__('Changes in %1', path.split('/').pop() ?? path),
    className: 'jp-mlws-View jp-mlws-DatasetDiff',
    help: 'reference-data',
    caption: path
  });
}
