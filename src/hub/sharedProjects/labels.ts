import type { Role } from '../../api/models';
import { trans } from '../../ui/locale';

export const ROLES: readonly Role[] = ['reader', 'writer', 'owner'];

/** Where the shared projects are in the API. */
export const PROJECTS = '/team/projects';

/** Where a shared project is in the API. */
export function projectPath(name: string) {
  return `${PROJECTS}/${encodeURIComponent(name)}` as const;
}

/** Where a member of a shared project is in the API. */
export function memberPath(name: string, user: string) {
  return `${projectPath(name)}/members/${encodeURIComponent(user)}` as const;
}

/** A role as people read it. */
export function roleLabel(role: Role): string {
  const labels: Record<Role, string> = {
    reader: trans.__('Reader'),
    writer: trans.__('Writer'),
    owner: trans.__('Owner')
  };
  return labels[role];
}
