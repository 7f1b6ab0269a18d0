import type { MLWSClient } from '../../api/client';
import { relativeTime } from '../../ui/format';
import type { IFileDiff, ISnapshot } from '../../api/models';
import { askForm } from '../askForm';
import { type IWorkflowDocument, parse } from '../document/document';
import { graphDiff } from '../graph/graphDiff';
import { GraphDiffView } from './graphDiffView';
import { errorText } from '../labels';
import { trans } from '../../ui/locale';
import { LabelledSelect } from '../../ui/controls';

/** Number of snapshots offered for comparison. */
const MAX_SNAPSHOTS = 50;
/** Value of the option for the working tree. */
const WORKING_TREE = '';

interface IChoice {
  from: string;
  to: string;
}

/** Asks for two versions of a workflow and compares them as graphs; null if canceled. */
export async function compareVersions(
  client: MLWSClient,
  path: string,
  project: string | undefined
): Promise<GraphDiffView | null> {
  const query = { project };
  const { items } = await client.get('/snapshots', {
    ...query,
    limit: MAX_SNAPSHOTS
  });
  const choice = await askForVersions(items);
  if (!choice) {
    return null;
  }
  const versions = { from: choice.from, to: choice.to || undefined };
  const [file, all] = await Promise.all([
    client.get('/git/diff', {
      ...query,
      ...versions,
      path
    }) as Promise<IFileDiff>,
    client.get('/snapshots/diff', { ...query, ...versions })
  ]);
  if (file.truncated) {
    throw new Error(trans.__('The file is too large to compare.'));
  }
  const diff = graphDiff(
    read(file.old ?? '', path),
    read(file.new ?? '', path),
    {
      code: all.files
        .filter(one => one.kind !== 'data')
        .map(one => one.path)
        // The path itself is compared.
        .filter(one => one !== path),
      data: all.data.map(one => one.path),
      metrics: all.metrics.map(({ name: metric, from, to }) => ({
        name: metric,
        before: from,
        after: to
      }))
    }
  );
  const name = (id: string): string =>
    id === WORKING_TREE
      ? trans.__('working tree')
      : (items.find(one => one.id === id)?.short ?? id);
  const view = new GraphDiffView(diff, {
    from: name(choice.from),
    to: name(choice.to)
  });
  view.title.label = trans.__('Compare: %1', path);
  return view;
}

/** Shows the graph that a run had, and how its nodes differ now. */
export function compareWithRun(
  run: { text: string; time: string },
  now: { text: string; path: string }
): GraphDiffView {
  const diff = graphDiff(read(run.text, now.path), read(now.text, now.path));
  const view = new GraphDiffView(diff, {
    from: trans.__('run of %1', run.time),
    to: trans.__('now')
  });
  view.title.label = trans.__('Run of %1', run.time);
  return view;
}

function read(text: string, path: string): IWorkflowDocument {
  const { document, error } = parse(text, path);
  if (error) {
    throw new Error(trans.__('Line %1: %2', error.line, errorText(error)));
  }
  return document;
}

function askForVersions(
  snapshots: readonly ISnapshot[]
): Promise<IChoice | null> {
  if (snapshots.length === 0) {
    throw new Error(trans.__('No snapshots to compare yet.'));
  }
  return askForm({
    title: trans.__('Compare Versions'),
    ok: trans.__('Compare'),
    value: { from: snapshots[0].id, to: WORKING_TREE },
    fields: (choice, change) => (
      <VersionFields snapshots={snapshots} choice={choice} change={change} />
    )
  });
}

function VersionFields(props: {
  snapshots: readonly ISnapshot[];
  choice: IChoice;
  change: (part: Partial<IChoice>) => void;
}): JSX.Element {
  const { snapshots, choice, change } = props;
  const options = snapshots.map(
    ({ id: key, subject, timestamp }) =>
      [key, `${subject} (${relativeTime(timestamp)})`] as const
  );
  return (
    <>
      <LabelledSelect
        label={trans.__('From')}
        className="jp-mod-styled"
        value={choice.from}
        options={options}
        onChange={from => change({ from })}
      />
      <LabelledSelect
        label={trans.__('To')}
        className="jp-mod-styled"
        value={choice.to}
        options={[[WORKING_TREE, trans.__('working tree')], ...options]}
        onChange={to => change({ to })}
      />
    </>
  );
}
