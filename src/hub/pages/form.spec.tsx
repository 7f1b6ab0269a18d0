import { Dialog } from '@jupyterlab/apputils';
import { afterEach, expect, it } from 'vitest';

import { rest } from '../../__tests__/server';
import { APIError } from '../../api/client';
import { askShare, type IChoice, type IPageSource } from './form';

const RUN: IPageSource = { kind: 'run', source: 'abc' };

afterEach(() => Dialog.flush());

const find = <T extends HTMLElement>(selector: string) =>
  document.querySelector<T>(`.jp-Dialog ${selector}`)!;

async function change(selector: string, value: string): Promise<void> {
  const control = find<HTMLInputElement>(selector);
  const prototype = Object.getPrototypeOf(control) as object;
  Object.getOwnPropertyDescriptor(prototype, 'value')!.set!.call(
    control,
    value
  );
  control.dispatchEvent(new Event('input', { bubbles: true }));
  control.dispatchEvent(new Event('change', { bubbles: true }));
  await rest();
}

async function accept(): Promise<void> {
  find('.jp-mod-accept').click();
  await rest();
}

it('only saves a file where there is no Hub', async () => {
  const sent: IChoice[] = [];
  const end = askShare('Share', RUN, null, async choice => sent.push(choice));
  await rest();
  expect(find('select')).toBeNull();
  expect(find('.jp-mod-accept').textContent).toBe('Save');
  await accept();
  await end;
  expect(sent.map(({ target }) => target)).toEqual(['file']);
});

it('offers the readers that there are, and proposes an end for an open link', async () => {
  const sent: IChoice[] = [];
  const end = askShare('Share', RUN, ['wine'], async choice =>
    sent.push(choice)
  );
  await rest();
  expect(find<HTMLSelectElement>('select').value).toBe('project');
  await change('select', 'link');
  expect(find<HTMLInputElement>('[name="until"]').value).toMatch(
    /^\d{4}-\d\d-\d\d$/
  );
  await accept();
  await end;
  expect(sent[0]).toMatchObject({ target: 'link', name: '', source: 'abc' });
});

it('asks again with what is wrong at its field', async () => {
  let attempts = 0;
  const end = askShare('Share', RUN, [], async ({ name }) => {
    attempts += 1;
    if (!name) {
      throw new APIError(400, {
        code: '50001',
        message: 'Invalid.',
        errors: [{ field: 'name', message: 'is no group' }],
        details: {},
        solution: ''
      });
    }
    return name;
  });
  await rest();
  await accept();
  expect(find('[role="alert"]').textContent).toBe('is no group');
  await change('[name="name"]', 'readers');
  await accept();
  expect(await end).toBe('readers');
  expect(attempts).toBe(2);
});
