import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { container, report } from '../../__tests__/containers';
import { settle, Wire } from '../../__tests__/server';
import { CreateForm, parseEnvironment } from './createForm';
import { ContainersModel } from './model';

let wire: Wire;
let root: Root;
let node: HTMLElement;
let made: string[];

beforeEach(async () => {
  wire = new Wire();
  made = [];
  node = document.body.appendChild(document.createElement('div'));
  root = createRoot(node);
  root.render(
    <CreateForm
      model={new ContainersModel(wire.client('en', false))}
      report={report}
      onDone={one => made.push(one?.id ?? 'cancelled')}
    />
  );
  await settle();
});

afterEach(() => {
  root.unmount();
  node.remove();
});

const field = (name: string) =>
  node.querySelector<HTMLInputElement>(`[name="${name}"]`)!;
const button = (kind: string) =>
  node.querySelector<HTMLButtonElement>(`button[type="${kind}"]`)!;

async function type(name: string, text: string): Promise<void> {
  const input = field(name);
  const prototype = Object.getPrototypeOf(input);
  Object.getOwnPropertyDescriptor(prototype, 'value')!.set!.call(input, text);
  input.dispatchEvent(new Event('input', { bubbles: true }));
  await settle();
}

async function submit(): Promise<void> {
  button('submit').click();
  await settle();
}

it('asks for the defaults, and leaves out what was not said', async () => {
  wire.answers['POST /containers'] = container();
  await submit();
  expect(wire.requests[0].body).toEqual({
    image: 'mlws-lab',
    resources: { cpu: '1', memory: '2Gi' },
    environment: {}
  });
  expect(made).toEqual(['ada--default']);
});

it('sends what was written', async () => {
  wire.answers['POST /containers'] = container({ name: 'big' });
  await type('name', ' big ');
  await type('resources.cpu', '500m');
  await type('environment', 'A=1\n\nB=x=y');
  await submit();
  expect(wire.requests[0].body).toMatchObject({
    name: 'big',
    resources: { cpu: '500m' },
    environment: { A: '1', B: 'x=y' }
  });
});

it('shows what the server refuses at its field, and tells screen readers', async () => {
  const errors = [
    { field: 'resources.cpu', message: 'is above the limit' },
    { field: 'environment', message: 'MLWS_X is set by the Hub itself' }
  ];
  wire.answers['POST /containers'] = () =>
    new Response(JSON.stringify({ code: '10201', message: 'Bad.', errors }), {
      status: 400
    });
  await submit();
  const input = field('resources.cpu');
  expect(input.getAttribute('aria-invalid')).toBe('true');
  const note = document.getElementById(input.getAttribute('aria-describedby')!);
  expect(note?.textContent).toContain('is above the limit');
  expect(field('resources.memory').getAttribute('aria-invalid')).toBe('false');
  // All errors are at the fields, none above the form.
  expect(node.querySelector('.jp-mlws-Failure')).toBeNull();
  expect(made).toEqual([]);
});

it('shows above the fields what belongs to none', async () => {
  const errors = [{ field: 'priority', message: 'only administrators' }];
  wire.answers['POST /containers'] = () =>
    new Response(JSON.stringify({ code: '10201', message: 'Bad.', errors }), {
      status: 400
    });
  await submit();
  expect(node.querySelector('.jp-mlws-Failure')?.textContent).toContain(
    'only administrators'
  );
});

it('says which line is no variable before anything is sent', async () => {
  await type('environment', 'A=1\nnonsense');
  expect(node.textContent).toContain('Use NAME=value in line “nonsense”');
  expect(button('submit').disabled).toBe(true);
});

it('reads variables line by line', () => {
  expect(parseEnvironment('A=1\n B =2 \n').values).toEqual({ A: '1', B: '2 ' });
  expect(parseEnvironment('=x').wrong).toBe('=x');
});
