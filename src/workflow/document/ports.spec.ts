import { describe, expect, it } from 'vitest';

import { parse } from './document';
import { changePorts, type IPortChange } from './ports';
import { reconcile } from './reconcile';
import { applyEdits } from './textEdits';

const TEXT = `stages:
  code:  # typed in place
    wdir: ../..
    cmd: jupyter mlws node code --data data.csv --table w/a/out/code.table.parquet \${code}
    deps: [components/code.py, data.csv]
    outs:
    - w/a/out/code.table.parquet
  next:
    wdir: ../..
    cmd: jupyter mlws node drop --data w/a/out/code.table.parquet --table w/a/out/next.parquet
    deps:
    - w/a/out/code.table.parquet
    outs:
    - w/a/out/next.parquet
`;
const BEFORE = {
  inputs: [{ name: 'data', type: 'Table' }],
  outputs: [{ name: 'table', type: 'Table' }]
};

function port(
  name: string,
  type: string,
  previous: string | null
): IPortChange {
  return { name, type, previous };
}

function changed(inputs: IPortChange[], outputs: IPortChange[]): string {
  const document = parse(TEXT, 'w/a/dvc.yaml').document!;
  const edit = changePorts('code', {
    before: BEFORE,
    after: { inputs, outputs }
  });
  return applyEdits(
    TEXT,
    reconcile(document.source, document.data, edit(document))
  );
}

describe('changePorts', () => {
  it('changes nothing where ports stay', () => {
    const text = changed(
      [port('data', 'Table', 'data'), port('more', 'Model', null)],
      [port('table', 'Table', 'table')]
    );
    expect(text).toBe(TEXT);
  });

  it('renames arguments and keeps files and connections', () => {
    const text = changed(
      [port('rows', 'Table', 'data')],
      [port('result', 'Table', 'table')]
    );
    expect(text).toBe(
      TEXT.replace('node code --data', 'node code --rows').replace(
        '--table w/a/out/code',
        '--result w/a/out/code'
      )
    );
  });

  it('lets two ports take each other’s names', () => {
    const text = changed(
      [port('table', 'Table', 'data')],
      [port('data', 'Table', 'table')]
    );
    expect(text).toContain('--table data.csv --data w/a/out/code.table');
  });

  it('gives new outputs a file, and metrics their list', () => {
    const text = changed(
      [port('data', 'Table', 'data')],
      [port('table', 'Table', 'table'), port('sizes', 'Metrics', null)]
    );
    expect(text).toContain('--sizes w/a/out/code.sizes.json ${code}');
    expect(text).toContain('    metrics:\n    - w/a/out/code.sizes.json\n');
  });

  it('takes files away with their readers’ arguments', () => {
    const text = changed([], [port('plot', 'Figure', 'table')]);
    expect(text).not.toContain('code.table.parquet');
    expect(text).toContain('deps: [components/code.py]');
    expect(text).toContain('cmd: jupyter mlws node drop --table w/a');
    expect(text).toContain('- w/a/out/code.plot.png');
  });
});
