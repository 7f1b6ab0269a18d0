import { useMutation } from '@tanstack/react-query';

import type { MLWSClient } from '../../api/client';
import type { ISharedPage } from '../../api/models';
import { Failure } from '../../ui/errorBox';
import { fullTime, relativeTime } from '../../ui/format';
import { trans } from '../../ui/locale';
import { Failures, useGet } from '../../ui/server';
import { ActionButton, ActionGroup } from '../containers/actions';
import type { IQuestion } from '../containers/labels';
import { Grid } from './grid';

/** The readers of a page, in words. */
function readersLabel({ audience, name }: ISharedPage): string {
  switch (audience) {
    case 'project':
      return trans.__('project %1', name);
    case 'group':
      return trans.__('group %1', name);
    case 'link':
      return trans.__('everybody with the link');
  }
}

/** The pages that the user shares, or all of them for administrators. */
export function SharedPages(props: {
  client: MLWSClient;
  confirm: (question: IQuestion) => Promise<boolean>;
  isReachable: boolean;
}): JSX.Element {
  const { client, confirm } = props;
  const pages = useGet(client, '/pages');
  const revoke = useMutation(
    {
      mutationFn: (id: string) =>
        client.delete(`/pages/${encodeURIComponent(id)}`),
      onSettled: () => client.refresh('/pages')
    },
    client.queries
  );
  const ask = async ({ id, title }: ISharedPage): Promise<void> => {
    const isMeant = await confirm({
      title: trans.__('Stop sharing “%1”?', title),
      lost: trans.__('Its link stops working.'),
      kept: trans.__('What it shows is kept. It can be shared again.'),
      accept: trans.__('Stop Sharing')
    });
    if (isMeant) {
      revoke.mutate(id);
    }
  };
  return (
    <Grid
      name="Pages"
      title={trans.__('Shared pages')}
      heads={[
        trans.__('Owner'),
        trans.__('Page'),
        trans.__('Readers'),
        trans.__('Shared'),
        trans.__('Until'),
        trans.__('Actions')
      ]}
      empty={
        pages.data
          ? trans.__('Nothing is shared. A run has “Share…” on its page.')
          : null
      }
      notes={
        <>
          {props.isReachable && <Failures of={[pages]} />}
          {revoke.error && <Failure error={revoke.error} />}
        </>
      }
    >
      {(pages.data?.items ?? []).map(page => (
        <tr key={page.id} data-mlws-page={page.id}>
          <th scope="row">{page.owner}</th>
          <td>
            <a href={page.url} target="_blank" rel="noopener noreferrer">
              {page.title}
            </a>
          </td>
          <td>{readersLabel(page)}</td>
          <td title={fullTime(page.created_at)}>
            {relativeTime(page.created_at)}
          </td>
          <td title={page.expires ? fullTime(page.expires) : undefined}>
            {page.expires ? relativeTime(page.expires) : '–'}
          </td>
          <td>
            <ActionGroup of={page.title}>
              <ActionButton
                name="delete"
                label={trans.__('Stop sharing %1', page.title)}
                disabled={revoke.isPending}
                onClick={() => void ask(page)}
              />
            </ActionGroup>
          </td>
        </tr>
      ))}
    </Grid>
  );
}
