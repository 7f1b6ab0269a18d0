import type { ChangeKind, ChangeState } from '../api/models';
import { trans } from './locale';

/** Letters of the states, as in git's short status. */
export const stateLetters: Record<ChangeState, string> = {
  added: 'A',
  modified: 'M',
  deleted: 'D',
  renamed: 'R',
  untracked: 'U',
  not_pulled: '↓',
  conflicted: '!'
};

export function stateLabel(state: ChangeState): string {
  const labels: Record<ChangeState, string> = {
    added: trans.__('added'),
    modified: trans.__('modified'),
    deleted: trans.__('deleted'),
    renamed: trans.__('renamed'),
    untracked: trans.__('untracked'),
    not_pulled: trans.__('not pulled'),
    conflicted: trans.__('in conflict')
  };
  return labels[state] ?? state;
}

export function kindLabel(kind: ChangeKind): string {
  const labels: Record<ChangeKind, string> = {
    code: trans.__('code'),
    notebook: trans.__('notebook'),
    data: trans.__('data')
  };
  return labels[kind] ?? kind;
}
