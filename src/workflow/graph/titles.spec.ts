import { describe, expect, it } from 'vitest';

import { cutTitle, sharedBeginnings, splitTitle } from './titles';

const TITLES = [
  'train_forest_depth_3',
  'train_forest_depth_5',
  'train_linear',
  'compare',
  '训练随机森林模型深度三',
  '训练随机森林模型深度五'
];

describe('cutTitle', () => {
  it('leaves out the middle of titles that begin alike, so that they differ', () => {
    const shared = sharedBeginnings(TITLES);
    const cut = (title: string, letters: number): string =>
      cutTitle(title, shared.get(title)!, letters);
    expect(TITLES.map(title => cut(title, 9))).toEqual([
      'train_f…3',
      'train_f…5',
      'tr…linear',
      'compare',
      '训练随…三',
      '训练随…五'
    ]);
    const short = TITLES.map(title => cut(title, 7));
    expect(new Set(short).size).toBe(TITLES.length);
  });

  it('cuts the end of a title that nothing begins like', () => {
    expect(cutTitle('features_of_all', 0, 9)).toBe('features…');
    expect(cutTitle('short', 0, 9)).toBe('short');
  });

  it('cuts what differs too where it is long', () => {
    const titles = [
      'sales of the northern region',
      'sales of the southern region'
    ];
    const shared = sharedBeginnings(titles);
    expect(
      titles.map(title => cutTitle(title, shared.get(title)!, 12))
    ).toEqual(['sa…northern…', 'sa…southern…']);
  });
});

describe('splitTitle', () => {
  it('splits before the number in which titles differ', () => {
    const shared = sharedBeginnings(['prepare_region_12', 'prepare_region_19']);
    expect(
      splitTitle('prepare_region_12', shared.get('prepare_region_12')!)
    ).toEqual(['prepare_region_', '12']);
  });

  it('splits no title that differs from others at once', () => {
    expect(splitTitle('load', 1)).toEqual(['load', '']);
  });
});
