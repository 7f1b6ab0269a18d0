import { describe, expect, it } from 'vitest';

import { findIn, markSpans } from './logSearch';

describe('search in a log', () => {
  it('finds words whatever their case, and not twice the same letters', () => {
    expect(findIn('Loss loss LOSS', 'loss')).toEqual([0, 5, 10]);
    expect(findIn('aaaa', 'aa')).toEqual([0, 2]);
    expect(findIn('损失 0.5', '损失')).toEqual([0]);
    expect(findIn('text', '')).toEqual([]);
  });

  it('marks a place across two colours, and changes no letter', () => {
    const spans = [
      { text: 'an er', styles: ['red'] },
      { text: 'ror here', styles: [] }
    ];
    const marked = markSpans(spans, findIn('an error here', 'error'), 5);
    expect(marked).toEqual([
      { text: 'an ', styles: ['red'], match: null },
      { text: 'er', styles: ['red'], match: 0 },
      { text: 'ror', styles: [], match: 0 },
      { text: ' here', styles: [], match: null }
    ]);
  });
});
