import type { TranslationBundle } from '@jupyterlab/translation';

import type { TeamRole } from '../../api/models';

export const ROLES: readonly TeamRole[] = ['reader', 'writer', 'owner'];

/** A role as people read it. */
export function roleWord(role: TeamRole, trans: TranslationBundle): string {
  const words: Record<TeamRole, string> = {
    reader: trans.__('Reader'),
    writer: trans.__('Writer'),
    owner: trans.__('Owner')
  };
  return words[role];
}
