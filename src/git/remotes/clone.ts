import type { IProjectInfo } from '../../api/models';
import { clone } from '../../lab/clone';
import { askFields } from '../../lab/fieldsDialog';
import type { Work } from '../../lab/work';
import { trans } from '../../ui/locale';

/** Asks for an address, clones it into a new project, and selects that; null if canceled. */
export async function cloneProject(work: Work): Promise<IProjectInfo | null> {
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
  return clone(work, '/projects/clone', { url, name: name || null }, url);
}
