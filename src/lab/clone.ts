import { escapeId } from '../api/client';
import type { Body, IProjectInfo, IPushed } from '../api/models';
import { notifyOnError } from './notify';
import type { Work } from './work';
import { trans } from '../ui/locale';

type CloneOf = '/projects/clone' | `/team/projects/${string}/clone`;

/**
 * Clones a repository by the request of a path, selects the new project, and offers to pull its
 * data.
 *
 * Resolves to the project; to null on failure or cancellation.
 */
export async function clone(
  work: Work,
  path: CloneOf,
  body: Body<'post', CloneOf>,
  name: string
): Promise<IProjectInfo | null> {
  const { client } = work;
  const project = await work.transfer(path, body, {
    doing: trans.__('Cloning “%1”…', name),
    done: ({ path, dvc }) =>
      dvc
        ? trans.__('Cloned into “%1”, without its data.', path)
        : trans.__('Cloned into “%1”.', path),
    actions: project =>
      project.dvc
        ? [
            {
              label: trans.__('Pull Data'),
              callback: () => void pullAll(work, project)
            }
          ]
        : []
  });
  if (project) {
    await client.show(project);
  }
  return project;
}

/** Pulls the data and runs of a clone; the user is asked for trust before that. */
async function pullAll(work: Work, project: IProjectInfo): Promise<void> {
  const status = await notifyOnError(async () => {
    await work.client.show(project);
    return work.client.get('/git/status');
  });
  if (status) {
    await pull(work);
  }
}

/** Pulls the current branch, with its data and runs. */
export async function pull(work: Work): Promise<void> {
  await work.carryOut(
    '/git/pull',
    {},
    {
      doing: trans.__('Pulling code and data…'),
      done: result => {
        const { remote, branch, outcome, commits } = result;
        return withRuns(
          outcome === 'up_to_date'
            ? trans.__('“%1” is up to date with %2.', branch, remote)
            : trans._n(
                'Pulled %1 commit of “%2” from %3.',
                'Pulled %1 commits of “%2” from %3.',
                commits,
                branch,
                remote
              ),
          result
        );
      }
    }
  );
}

/** Returns the text of a push or pull with the number of its runs, and its warnings. */
export function withRuns(
  text: string,
  { runs, warnings }: Pick<IPushed, 'runs' | 'warnings'>
): string {
  const count = runs > 0 ? [trans._n('%1 run.', '%1 runs.', runs)] : [];
  return [text, ...count, ...warnings].join(' ');
}

/** Pulls data from its remote, dataset by dataset, until the first failure. */
export async function pullData(
  work: Work,
  paths: readonly string[]
): Promise<void> {
  for (const path of paths) {
    const result = await work.carryOut(
      `/datasets/${encodeURIComponent(escapeId(path))}/pull`,
      undefined,
      {
        doing: trans.__('Pulling %1', path),
        done: () => trans.__('Pulled %1', path)
      }
    );
    if (result === null) {
      return;
    }
  }
}
