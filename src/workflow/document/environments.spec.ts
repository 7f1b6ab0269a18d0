import { expect, it } from 'vitest';

import { textAfter } from '../../__tests__/samples';
import { parse } from './document';
import {
  type IEnvironment,
  launcher,
  launcherText,
  setEnvironment
} from './environments';

const TORCH: IEnvironment = {
  name: 'torch',
  tool: 'uv',
  files: ['envs/torch/pyproject.toml'],
  lock: 'envs/torch/uv.lock',
  prefix: 'envs/torch/.venv'
};
const ROOT: IEnvironment = {
  ...TORCH,
  name: 'project',
  files: ['pyproject.toml'],
  lock: 'uv.lock',
  prefix: '.venv'
};
const OLD: IEnvironment = {
  name: 'old',
  tool: 'requirements',
  files: ['envs/old/requirements.txt'],
  lock: null,
  prefix: 'envs/old/.venv'
};
const ALL = [ROOT, TORCH, OLD];

const HEAD = `stages:
  train:
    wdir: ../..
    `;
const TAIL = `    deps:
    - data.csv   # the table
    outs: [model.pkl]
`;
const LOCK = TAIL.replace('table\n', 'table\n    - envs/torch/uv.lock\n');

function edited(cmd: string, environment: IEnvironment | null): string {
  const text = HEAD + cmd + (cmd.includes('--project') ? LOCK : TAIL);
  const { document } = parse(text, 'workflows/a/dvc.yaml');
  return textAfter(document!, setEnvironment('train', environment, ALL));
}

const UV = 'uv run --frozen --project envs/torch';

it.each([
  ['python train.py ${train}', `${UV} python train.py \${train}`],
  [
    'jupyter mlws node train_classifier --data data.csv',
    `${UV} jupyter mlws node train_classifier --data data.csv`
  ]
])('runs %s in an environment, and without one again', (before, after) => {
  expect(edited(`cmd: ${before}\n`, TORCH)).toBe(
    `${HEAD}cmd: ${after}\n${LOCK}`
  );
  expect(edited(`cmd: ${after}\n`, null)).toBe(
    `${HEAD}cmd: ${before}\n${TAIL}`
  );
});

it('gives pipes and lists a shell, which goes with the environment', () => {
  const list = "head -1 data.csv | sort > it's.txt && python a.py";
  const text = edited(`cmd: ${JSON.stringify(list)}\n`, TORCH);
  const { stages } = parse(text, 'workflows/a/dvc.yaml').document!;
  expect(stages[0].commands).toEqual([
    `${UV} sh -c 'head -1 data.csv | sort > it'\\''s.txt && python a.py'`
  ]);
  const back = textAfter(
    parse(text, 'workflows/a/dvc.yaml').document!,
    setEnvironment('train', null, ALL)
  );
  expect(parse(back).document!.stages[0].commands).toEqual([list]);
});

it('changes each line, and the environment of one that had another', () => {
  const text = edited(
    'cmd:\n    - A=1 python a.py\n    - python b.py\n',
    TORCH
  );
  expect(text).toContain(`- ${UV} env A=1 python a.py\n`);
  expect(text).toContain(`- ${UV} python b.py\n`);
  const other = edited(`cmd: ${UV} python a.py\n`, ROOT);
  expect(other).toContain('cmd: uv run --frozen --project . python a.py\n');
  expect(other).toContain('- uv.lock\n');
  expect(other).not.toContain('envs/torch');
  const old = edited(`cmd: ${UV} python a.py\n`, OLD);
  expect(old).toContain(
    'cmd: uv run --no-project --python envs/old/.venv/bin/python python a.py\n'
  );
  expect(old).toContain('- envs/old/requirements.txt\n');
});

it('knows a launcher and the program behind it', () => {
  const at = (cmd: string) =>
    parse(`stages:\n  a:\n    cmd: ${cmd}\n`).document!.stages[0];
  const stage = at(`${UV} python a.py --project x`);
  expect(launcherText(stage)).toBe(launcher(TORCH, ''));
  expect(stage.kind).toBe('script');
  expect(launcherText(at('uv pip install six'))).toBe('');
  expect(launcherText(at('python uv run'))).toBe('');
  expect(at(`${UV} jupyter mlws node a --x b`)).toMatchObject({
    component: 'a',
    args: [{ name: 'x', raw: 'b' }]
  });
});
