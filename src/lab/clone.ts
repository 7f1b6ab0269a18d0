import { Notification } from '@jupyterlab/apputils';
import { escapeId } from '../api/client';
import type { Body, IProjectInfo } from '../api/models';
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

/** Pulls all data of a project that is not here yet; the user is asked for trust before that. */
async function pullAll(work: Work, project: IProjectInfo): Promise<void> {
  const { client } = work;
  const status = await notifyOnError(async () => {
    await client.show(project);
    return client.get('/git/status');
  });
  if (!status) {
    return;
  }
  const missing = status.changes.filter(({ state }) => state === 'not_pulled');
  if (missing.length === 0) {
    Notification.info(trans.__('There is no data to pull.'));
  }
  await pullData(
    work,
    missing.map(({ path }) => path)
  );
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
