import { expect, it } from 'vitest';

import { parse } from '../document/document';
import { HAND_WRITTEN, WINE } from '../../__tests__/samples';
import { graphDiff, type IChangedFiles } from './graphDiff';

const NOTHING: IChangedFiles = { code: [], data: [], metrics: [] };

function differences(
  before: string,
  after: string,
  files: Partial<IChangedFiles> = {},
  path = 'workflows/wine/dvc.yaml'
): string[] {
  const { differences: found } = graphDiff(
    parse(before, path).document!,
    parse(after, path).document!,
    { ...NOTHING, ...files }
  );
  return found.map(({ id, kind, reasons, from }) =>
    `${kind} ${from ? `${from} → ` : ''}${id} ${reasons.join(',')}`.trim()
  );
}

it('finds nothing in a text that only looks different', () => {
  expect(differences(WINE, WINE)).toEqual([]);
  expect(
    differences(WINE, WINE.replace('# The wine workflow\n', '').trimEnd())
  ).toEqual([]);
  expect(differences(WINE, WINE.replace('meta: {at: [240, 120]}', ''))).toEqual(
    []
  );
});

it('tells settings, commands, inputs and outputs apart', () => {
  expect(
    differences(WINE, WINE.replace('n_estimators: 100', 'n_estimators: 50'))
  ).toEqual(['changed forest settings']);
  expect(
    differences(WINE, WINE.replaceAll('data/wine.csv', 'data/tea.csv'))
  ).toEqual(['changed load command,inputs']);
});

it('finds what was added, removed and renamed', () => {
  const renamed = WINE.replace('\n  forest:\n', '\n  trees:\n')
    .replace('- forest:', '- trees:')
    .replace('${forest}', '${trees}');
  expect(differences(WINE, renamed)).toEqual(['changed forest → trees name']);
  const less = WINE.slice(0, WINE.indexOf('\n  # then the verdict'));
  expect(differences(WINE, less)).toEqual(['removed judge']);
  expect(differences(less, WINE)).toEqual(['added judge']);
  const { graph } = graphDiff(
    parse(WINE).document!,
    parse(less).document!,
    NOTHING
  );
  expect(graph.nodes.has('judge')).toBe(true);
  expect(graph.edges.filter(edge => edge.target === 'judge')).toHaveLength(2);
});

it('sees what changed in files of the nodes', () => {
  expect(
    differences(HAND_WRITTEN, HAND_WRITTEN, { code: ['train.py'] }, 'dvc.yaml')
  ).toEqual(['changed train code']);
  expect(
    differences(HAND_WRITTEN, HAND_WRITTEN, { data: ['data/raw'] }, 'dvc.yaml')
  ).toEqual(['changed prepare data']);
  expect(
    differences(WINE, WINE, {
      metrics: [
        {
          name: 'workflows/wine/out/judge.metrics.json:accuracy',
          before: 0.8,
          after: 0.9
        }
      ]
    })
  ).toEqual(['changed judge metrics']);
});

it('tells the old and the new value of settings and metrics', () => {
  const path = 'workflows/wine/dvc.yaml';
  const name = 'workflows/wine/out/judge.metrics.json:accuracy';
  const { differences: found } = graphDiff(
    parse(WINE, path).document!,
    parse(WINE.replace('n_estimators: 100', 'n_estimators: 50'), path)
      .document!,
    { ...NOTHING, metrics: [{ name, before: 0.8, after: 0.9 }] }
  );
  expect(found.map(({ id, changes }) => [id, changes])).toEqual([
    ['forest', [{ name: 'n_estimators', before: 100, after: 50 }]],
    ['judge', [{ name: 'accuracy', before: 0.8, after: 0.9 }]]
  ]);
});
