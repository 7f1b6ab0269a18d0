import { expect, it } from 'vitest';

import { fake } from '../../__tests__/server';
import type { IComponent } from '../../api/models';
import { CatalogStore } from './catalog';
import type { WorkflowService } from './service';

it('drops a list of components that is older than a change made here', async () => {
  const replies: ((items: IComponent[]) => void)[] = [];
  const service = fake<WorkflowService>({
    components: () => new Promise(resolve => replies.push(resolve))
  });
  const catalog = new CatalogStore(async (request, onReply) =>
    onReply?.(await request(service))
  );
  const one = (title: string): IComponent =>
    fake<IComponent>({ name: 'clean', title });
  const loading = catalog.loadComponents();
  catalog.add(one('changed'));
  replies[0]([one('older')]);
  await loading;
  expect(catalog.components.get('clean')?.title).toBe('changed');
  expect(replies).toHaveLength(2);
  replies[1]([one('saved')]);
  await Promise.resolve();
  await Promise.resolve();
  expect(catalog.components.get('clean')?.title).toBe('saved');
});
