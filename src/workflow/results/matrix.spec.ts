import { describe, expect, it } from 'vitest';

import type { IMetricChange } from '../../api/models';
import { deltaText, metricMatrix } from './matrix';

function change(
  model: string,
  metric: string,
  value: number | null,
  previous: number | null = null
): IMetricChange {
  const mode = metric === 'loss' ? 'min' : 'max';
  return {
    node: 'compare',
    model,
    metric,
    value,
    previous,
    mode,
    low: null,
    high: null,
    rows: null,
    p_value: null,
    repeated: null
  };
}

describe('metricMatrix', () => {
  const { metrics, rows } = metricMatrix([
    change('forest', 'accuracy', 0.9, 0.8),
    change('forest', 'loss', 2, 1),
    change('linear', 'accuracy', 0.4, 0.4),
    change('linear', 'f1', 0.5),
    // Of the run before alone.
    change('gone', 'accuracy', null, 0.99)
  ]);

  it('has a row for each model and a column for each metric', () => {
    expect(metrics).toEqual(['accuracy', 'loss', 'f1']);
    expect(rows.map(row => row.model)).toEqual(['forest', 'linear']);
    expect(rows[1].cells[1]).toBeNull();
  });

  it('marks the best of several models', () => {
    expect(rows[0].cells[0]?.isBest).toBe(true);
    expect(rows[1].cells[0]?.isBest).toBe(false);
    // There is nothing to be better than.
    expect(rows[0].cells[1]?.isBest).toBe(false);
  });

  it('tells changes for the better from those for the worse', () => {
    expect(rows[0].cells[0]).toMatchObject({ isBetter: true });
    expect(rows[0].cells[1]).toMatchObject({ delta: 1, isBetter: false });
    expect(rows[1].cells[0]?.delta).toBeNull();
  });

  it('finds the smallest loss best', () => {
    const matrix = metricMatrix([
      change('a', 'loss', 2),
      change('b', 'loss', 1)
    ]);
    expect(matrix.rows.map(row => row.cells[0]?.isBest)).toEqual([false, true]);
  });
});

it('shows the digits of a change that tell', () => {
  expect(deltaText(0.9 - 0.88231)).toBe('▲0.018');
  expect(deltaText(-3)).toBe('▼3');
});
