import { expect, test } from 'vitest';

import type { IColumnProfile, ITableProfile } from '../../api/models';
import {
  canForecast,
  edge,
  proposal,
  tableTemplate,
  withForecast,
  withRole,
  withRoleOf,
  withTarget
} from './tableTemplate';

const FOUND = { separator: '', encoding: '', decimal: '', sheet: '' };

function column(
  name: string,
  kind: IColumnProfile['kind'],
  task: IColumnProfile['task'] = null
): IColumnProfile {
  return {
    name,
    kind,
    task,
    reason: 'numbers',
    gaps: 0,
    distinct: 9,
    examples: [],
    bars: [],
    smallest_class: 4
  };
}

const PROFILE: ITableProfile = {
  reading: { format: 'csv', ...FOUND },
  sheets: [],
  rows: 300,
  is_head: false,
  columns: [
    column('id', 'identifier'),
    column('day', 'date'),
    column('price', 'number', 'regression'),
    column('left', 'category', 'classification')
  ],
  target: 'left',
  target_reason: 'name',
  time: null,
  season: null,
  leaks: [],
  repeated: 0
};

test('the proposal ignores identifiers and predicts the likely column', () => {
  const choice = proposal(PROFILE, FOUND);
  expect(choice.roles).toEqual({ id: 'ignored', left: 'target' });
  expect(choice.task).toBe('classification');
  expect(choice.models).toContain('random_forest');
  const large = proposal({ ...PROFILE, rows: 50_000 }, FOUND);
  expect(large.models).not.toContain('random_forest');
  const ordered = proposal({ ...PROFILE, time: 'day' }, FOUND);
  expect(ordered.roles.day).toBe('time');
  const clusters = proposal({ ...PROFILE, target: null }, FOUND);
  expect(clusters.task).toBe('clusters');
});

test('another target frees the old one and has its own models', () => {
  const choice = withTarget(PROFILE, proposal(PROFILE, FOUND), 'price');
  expect(choice.task).toBe('regression');
  expect(choice.roles).toEqual({ id: 'ignored', price: 'target' });
  expect(choice.models).toContain('ridge');
});

test('target, group, time and weight are one column each', () => {
  let choice = withRoleOf(proposal(PROFILE, FOUND), 'day', 'group');
  choice = withRoleOf(choice, 'price', 'group');
  expect(withRole(choice, 'group')).toBe('price');
  choice = withRoleOf(choice, 'day', 'ignored');
  expect(choice.roles.id).toBe('ignored');
  expect(withRoleOf(choice, 'price', 'feature').roles.price).toBeUndefined();
});

test.each(['left', 'price'])('every edge is between nodes: %s', target => {
  const choice = withTarget(PROFILE, proposal(PROFILE, FOUND), target);
  const { nodes, edges } = tableTemplate('data/a.csv', PROFILE, choice);
  const ids = new Set(nodes.map(({ id }) => id));
  expect(ids.size).toBe(nodes.length);
  for (const edge of edges) {
    expect(ids).toContain(edge.source);
    expect(ids).toContain(edge.target);
  }
  expect(nodes[0].config?.roles).toContain(`${target}=target`);
});

test('classes have the same shares in both sets, unless rows have an order', () => {
  const stratify = (choice: ReturnType<typeof proposal>): unknown =>
    tableTemplate('a.csv', PROFILE, choice).nodes[1].config?.stratify;
  const choice = proposal(PROFILE, FOUND);
  expect(stratify(choice)).toBe('left');
  expect(stratify(withRoleOf(choice, 'day', 'time'))).toBeUndefined();
  expect(stratify(withTarget(PROFILE, choice, 'price'))).toBeUndefined();
});

test('a forecast is in order of time, beside naive ones', () => {
  const daily: ITableProfile = { ...PROFILE, time: 'day', season: 7 };
  expect(canForecast(daily, proposal(daily, FOUND))).toBe(true);
  const choice = withForecast(daily, proposal(daily, FOUND));
  expect(choice.roles).toMatchObject({ price: 'target', day: 'time' });
  const { nodes, edges } = tableTemplate('a.csv', daily, choice);
  const config = Object.fromEntries(nodes.map(node => [node.id, node.config]));
  expect(config.lags).toEqual({ lags: [1, 2, 3, 7], windows: [7] });
  expect(config.naive).toEqual({ algorithm: 'naive' });
  expect(config.seasonal).toEqual({
    algorithm: 'naive',
    repeat: 'price_lag_7'
  });
  expect(edges).toContainEqual(edge('lags.table', 'split.data'));
  const ids = new Set(nodes.map(({ id }) => id));
  for (const { source, target } of edges) {
    expect(ids).toContain(source);
    expect(ids).toContain(target);
  }
  // Without a season there is no seasonal baseline; without a date, no forecast.
  expect(withForecast(PROFILE, choice).models).not.toContain('seasonal_naive');
  const columns = PROFILE.columns.filter(({ kind }) => kind !== 'date');
  const timeless = { ...PROFILE, columns };
  expect(canForecast(timeless, proposal(timeless, FOUND))).toBe(false);
});

test('cross-validation is a setting of each model', () => {
  const choice = { ...proposal(PROFILE, FOUND), folds: 5 };
  const trained = (folds: number): unknown[] =>
    tableTemplate('a.csv', PROFILE, { ...choice, folds })
      .nodes.filter(({ type }) => type === 'train_classifier')
      .map(({ config }) => config?.cross_validation);
  expect(new Set(trained(5))).toEqual(new Set([5]));
  expect(new Set(trained(0))).toEqual(new Set([undefined]));
});

test('clusters need no target', () => {
  const choice = proposal({ ...PROFILE, target: null }, FOUND);
  const { nodes } = tableTemplate('a.csv', PROFILE, choice);
  expect(nodes.map(({ type }) => type)).toEqual([
    'load_table',
    'train_clusters'
  ]);
});

test('dates that stay features are written as such, so that they are warned of once', () => {
  const rolesOf = (choice: ReturnType<typeof proposal>): unknown =>
    tableTemplate('a.csv', PROFILE, choice).nodes[0].config!.roles;
  const choice = proposal(PROFILE, FOUND);
  expect(rolesOf(choice)).toContain('day=feature');
  expect(rolesOf(withRoleOf(choice, 'day', 'time'))).toContain('day=time');
  expect(rolesOf(withRoleOf(choice, 'day', 'ignored'))).toContain(
    'day=ignored'
  );
});
