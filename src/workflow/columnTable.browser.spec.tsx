import '@jupyterlab/theme-light-extension/style/variables.css';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import { expect, onTestFinished, test } from 'vitest';
import { commands, page } from 'vitest/browser';

import '../../style/index.css';
import { accessFaults, css } from '../__tests__/browser/canvas';
import type { IColumnProfile } from '../api/models';
import { ColumnTable } from './columnTable';

function column(
  name: string,
  part: Partial<IColumnProfile> = {}
): IColumnProfile {
  return {
    name,
    kind: 'number',
    reason: 'numbers',
    gaps: 0,
    distinct: 12,
    examples: ['1', '2'],
    bars: [1, 2, 3],
    smallest_class: null,
    task: 'regression',
    ...part
  };
}

/** Renders columns in a table of a width; returns the choices, newest last. */
function showTable(
  columns: readonly IColumnProfile[],
  width: number
): string[] {
  const changes: string[] = [];
  const host = document.createElement('div');
  host.style.width = `${width}px`;
  document.body.append(host);
  const root = createRoot(host);
  onTestFinished(() => {
    root.unmount();
    host.remove();
  });
  function Table(): JSX.Element {
    const [kinds, setKinds] = useState<Record<string, string>>({});
    const [roles, setRoles] = useState<Record<string, string>>({});
    return (
      <div className="jp-mlws-SourceColumns">
        <ColumnTable
          columns={columns}
          rows={40}
          kinds={kinds}
          roles={roles}
          onKind={(name, kind) => {
            changes.push(`${name}=${kind}`);
            const others = Object.entries(kinds).filter(
              ([other]) => other !== name
            );
            const own = kind === null ? [] : [[name, kind]];
            setKinds(Object.fromEntries([...others, ...own]));
          }}
          onRole={(name, role) => {
            changes.push(`${name}=${role}`);
            setRoles({ ...roles, [name]: role });
          }}
        />
      </div>
    );
  }
  root.render(<Table />);
  return changes;
}

const MESSY = [
  column('id', { kind: 'identifier', reason: 'all_different', task: null }),
  column('constructor', { gaps: 3 }),
  column('class', { kind: 'category', reason: 'few_values', distinct: 1 })
];

test('a column says what it is, why, and what is missing', async () => {
  const changes = showTable(MESSY, 300);
  const rows = page
    .getByRole('list', { name: 'Columns' })
    .getByRole('listitem');
  await expect.element(rows.nth(0)).toBeVisible();
  expect(css('.jp-mlws-ColumnTable-facts').elements().map(text)).toEqual([
    'every value is different12 values1, 2',
    '8 % missing12 values1, 2',
    '1 value1, 2'
  ]);
  const kind = page.getByLabelText('Kind of id');
  await kind.selectOptions('number');
  await expect.element(rows.nth(0)).toHaveTextContent('guess: identifier');
  await kind.selectOptions('identifier');
  await page.getByLabelText('Role of constructor').selectOptions('target');
  await expect
    .element(page.getByLabelText('Role of constructor'))
    .toHaveValue('target');
  expect(changes).toEqual(['id=number', 'id=null', 'constructor=target']);
  // Unpredictable columns are not targets.
  const option = page
    .getByLabelText('Role of id')
    .getByRole('option', { name: 'target' });
  await expect.element(option).toBeDisabled();
  expect(await accessFaults('.jp-mlws-ColumnTable')).toEqual([]);
});

test('in a wide place it is a table with heads', async () => {
  showTable(MESSY, 900);
  await expect.element(css('.jp-mlws-ColumnTable-head')).toBeVisible();
  await expect.element(page.getByText('3 %')).not.toBeInTheDocument();
  await expect.element(page.getByText('8 %', { exact: true })).toBeVisible();
  expect(await accessFaults('.jp-mlws-ColumnTable')).toEqual([]);
});

test('of a thousand columns, those in sight are drawn, and others are found', async () => {
  const columns = Array.from({ length: 1000 }, (_, n) => column(`gene_${n}`));
  const changes = showTable(columns, 300);
  const rows = css('.jp-mlws-ColumnTable-row');
  await expect.element(page.getByLabelText('Kind of gene_0')).toBeVisible();
  expect(rows.elements().length).toBeLessThan(60);
  await page.getByLabelText('Filter columns').fill('GENE_99');
  await expect
    .element(page.getByRole('status'))
    .toHaveTextContent('11 of 1000');
  await page.getByLabelText('Role of gene_997').selectOptions('ignored');
  expect(changes).toEqual(['gene_997=ignored']);
  // By the keyboard, from field to field, past the rows that were drawn.
  await page.getByLabelText('Filter columns').fill('');
  await page.getByLabelText('Kind of gene_0').element().focus();
  for (let field = 0; field < 60; field++) {
    await commands.press('Tab');
  }
  expect(document.activeElement?.getAttribute('aria-label')).toBe(
    'Kind of gene_30'
  );
});

function text({ children }: Element): string {
  return [...children].map(one => (one as HTMLElement).innerText).join('');
}
