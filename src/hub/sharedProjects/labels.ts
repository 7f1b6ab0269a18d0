import type { TranslationBundle } from '@jupyterlab/translation';

import type { TeamRole } from '../../api/models';

export const ROLES: readonly TeamRole[] = ['reader', 'writer', 'owner'];

/** Where the shared projects are in the API. */
export const PROJECTS = '/team/projects';

/** Where a shared project is in the API. */
export function projectPath(name: string): string {
  return `${PROJECTS}/${encodeURIComponent(name)}`;
}

/** Where a member of a shared project is in the API. */
export function memberPath(name: string, user: string): string {
  return `${projectPath(name)}/members/${encodeURIComponent(user)}`;
}

/** A role as people read it. */
export function roleLabel(role: TeamRole, trans: TranslationBundle): string {
  const labels: Record<TeamRole, string> = {
    reader: trans.__('Reader'),
    writer: trans.__('Writer'),
    owner: trans.__('Owner')
  };
  return labels[role];
}
