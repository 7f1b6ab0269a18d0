import type { Role } from '../../api/models';
import { trans } from '../../ui/locale';

export const ROLES: readonly Role[] = ['reader', 'writer', 'owner'];

/** API path of the shared projects. */
export const PROJECTS = '/team/projects';

/** API path of the shared projects with their sizes, for administrators. */
export const STORED_PROJECTS = '/storage/projects';

/** What tells the members of shared projects. */
export const MEMBERSHIP = [PROJECTS, STORED_PROJECTS] as const;

/** API path of a shared project. */
export function projectPath(name: string) {
  return `${PROJECTS}/${encodeURIComponent(name)}` as const;
}

/** API path of a member of a shared project. */
export function memberPath(name: string, user: string) {
  return `${projectPath(name)}/members/${encodeURIComponent(user)}` as const;
}

export function roleLabel(role: Role): string {
  const labels: Record<Role, string> = {
    reader: trans.__('Reader'),
    writer: trans.__('Writer'),
    owner: trans.__('Owner')
  };
  return labels[role];
}
