import type { MLWSClient } from '../api/client';
import { FolderDiff } from '../ui/diff/folderDiff';
import { DiffSides } from '../ui/diffSides';
import { trans } from '../ui/locale';
import { ServerView } from '../ui/server';

interface IProps {
  client: MLWSClient;
  path: string;
  /** The commit that names the version. */
  from: string;
}

function DatasetDiff({ client, path, from }: IProps): JSX.Element {
  return (
    <>
      <DiffSides
        title={path}
        names={[from.slice(0, 8), trans.__('working tree')]}
      />
      <FolderDiff client={client} path={path} versions={{ from }} />
    </>
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
