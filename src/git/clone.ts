import type { TranslationBundle } from '@jupyterlab/translation';

import type { MLWSClient } from '../api/client';
import type { IProject } from '../api/models';
import { askFields } from '../lab/fieldsDialog';
import type { Work } from '../lab/work';

/** Asks for an address, clones it into a project of its own, and shows that; null if canceled. */
export async function cloneProject(
  client: MLWSClient,
  work: Work,
  trans: TranslationBundle
): Promise<IProject | null> {
  const fields = await askFields(
    trans.__('Clone a Repository'),
    trans.__('Clone'),
    [
      {
        name: 'url',
        label: trans.__('URL'),
        placeholder: 'https://host/project.git'
      },
      { name: 'name', label: trans.__('Folder (optional)') }
    ],
    trans,
    [
      trans.__(
        "Don't put a password in the URL. You will be asked for it when it is needed."
      )
    ]
  );
  if (!fields) {
    return null;
  }
  const { url, name } = fields;
  const project = await work.transfer<IProject>(
    '/projects/clone',
    { url, name: name || null },
    {
      doing: trans.__('Cloning “%1”…', url),
      done: project => trans.__('Cloned into “%1”.', project.path)
    }
  );
  if (project) {
    await client.show(project);
  }
  return project;
}
