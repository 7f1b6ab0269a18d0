import type { TranslationBundle } from '@jupyterlab/translation';

import type { IProblem } from '../models';
import type { NodeKind } from './document';
import { ANY_INPUT, type Refusal } from './graph';
import type { Problem } from './validate';

export function refusalText(refusal: Refusal, trans: TranslationBundle): string {
  switch (refusal.kind) {
    case 'type':
      return trans.__('%1 does not fit %2', refusal.from, refusal.to);
    case 'cycle':
      return trans.__('This would close a cycle: %1', refusal.nodes.join(' → '));
    case 'taken':
      return trans.__('The input "%1" is already connected to %2', refusal.port, refusal.by);
    case 'same':
      return trans.__('These two are already connected');
    case 'text':
      return trans.__('"%1" is written in a form that can only be edited as text', refusal.node);
    case 'unknown':
      return trans.__('There is nothing to connect here');
  }
}

export function problemText(problem: Problem | IProblem, trans: TranslationBundle): string {
  if (!('kind' in problem)) {
    return problem.message;
  }
  switch (problem.kind) {
    case 'component':
      return trans.__('There is no component "%1"', problem.name);
    case 'input':
      return trans.__('The input "%1" is missing', problem.port);
    case 'type':
      return trans.__('%1 does not fit %2', problem.from, problem.to);
    case 'output':
      return trans.__('"%1" is also an output of %2', problem.path, problem.other);
    case 'command':
      return trans.__('The stage has no command');
    case 'cycle':
      return trans.__('A cycle: %1', problem.nodes.join(' → '));
  }
}

export function statusText(status: string, trans: TranslationBundle): string {
  const words: Record<string, string> = {
    PENDING: trans.__('Pending'),
    QUEUED: trans.__('Queued'),
    RUNNING: trans.__('Running'),
    COMPLETED: trans.__('Completed'),
    CACHED: trans.__('Cached'),
    FAILED: trans.__('Failed'),
    SKIPPED: trans.__('Skipped'),
    CANCELLED: trans.__('Cancelled'),
    INTERRUPTED: trans.__('Interrupted')
  };
  return words[status] ?? status;
}

export function planText(action: string, trans: TranslationBundle): string {
  const words: Record<string, string> = {
    run: trans.__('Will run'),
    cached: trans.__('Up to date'),
    restorable: trans.__('Will be restored from an earlier run'),
    frozen: trans.__('Frozen')
  };
  return words[action] ?? action;
}

export function kindText(kind: NodeKind, trans: TranslationBundle): string {
  const words: Record<NodeKind, string> = {
    component: trans.__('Component'),
    notebook: trans.__('Notebook'),
    script: trans.__('Script'),
    shell: trans.__('Shell command'),
    sweep: trans.__('Sweep')
  };
  return words[kind];
}

export function portText(name: string, trans: TranslationBundle): string {
  return name === ANY_INPUT ? trans.__('dependencies') : name;
}
