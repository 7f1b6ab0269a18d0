import { describe, expect, it } from 'vitest';

import type { IRun, IWorkflowResults } from '../../api/models';
import { runCards } from './runCards';

/** A run of nodes with a status and seconds. */
function run(nodes: Record<string, [string, number | null]>): IRun {
  return {
    id: '1',
    last_seq: 1,
    nodes: Object.entries(nodes).map(([id, [status, duration]]) => ({
      id,
      status,
      duration,
      error:
        status === 'FAILED'
          ? { message: 'Failed.', details: { log: ['ValueError: too low'] } }
          : null
    }))
  } as unknown as IRun;
}

describe('runCards', () => {
  it('says status and duration', () => {
    const cards = runCards(
      ['load', 'train'],
      run({ load: ['CACHED', null], train: ['COMPLETED', 3] }),
      undefined
    );
    expect(cards.get('load')).toEqual({
      status: 'CACHED',
      state: 'cached',
      result: '',
      log: 'load'
    });
    expect(cards.get('train')?.state).toBe('completed · 3.0 s');
  });

  it('says the main metric', () => {
    const results = {
      nodes: [{ id: 'train', measure: { metric: 'accuracy', value: 0.9 } }]
    } as unknown as IWorkflowResults;
    const cards = runCards(
      ['train'],
      run({ train: ['COMPLETED', 3] }),
      results
    );
    expect(cards.get('train')?.result).toBe('accuracy 0.9');
  });

  it('says why a node failed', () => {
    const cards = runCards(['train'], run({ train: ['FAILED', 1] }), undefined);
    expect(cards.get('train')?.result).toBe('ValueError: too low');
  });

  it('takes the variants of a sweep together, with the log of the failed one', () => {
    const cards = runCards(
      ['train'],
      run({ 'train@1': ['COMPLETED', 2], 'train@2': ['FAILED', 3] }),
      undefined
    );
    expect(cards.get('train')).toMatchObject({
      status: 'FAILED',
      state: 'failed · 2 variants · 5.0 s',
      log: 'train@2'
    });
  });

  it('marks a node that was not part of the run', () => {
    const cards = runCards(['other'], run({}), undefined);
    expect(cards.get('other')).toMatchObject({ status: null, log: null });
  });
});
