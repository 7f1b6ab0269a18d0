import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import { APIError, apiError, type MLWSClient } from '../../api/client';
import { readMore } from '../../api/pages';
import type { IAccount, ILimits } from '../../api/models';
import { SearchField } from '../../ui/controls';
import { download } from '../../ui/download';
import { Failure } from '../../ui/errorBox';
import { fullTime, relativeTime } from '../../ui/format';
import { trans } from '../../ui/locale';
import { Failures, useGet } from '../../ui/server';
import { ActionButton, ActionGroup } from '../containers/actions';
import { BudgetMeterRow, hoursText, METERS } from '../containers/budgets';
import { Grid } from './grid';
import { LimitsForm, pathOf } from './limitsForm';

const PAGE_SIZE = 100;

interface IProps {
  client: MLWSClient;
  isReachable: boolean;
}

/** Limits in a few words. */
function limitsText(limits: ILimits | null): string {
  const parts = [
    limits?.cpu && trans.__('%1 CPU', limits.cpu),
    limits?.memory,
    limits?.gpu && trans.__('%1 GPU', limits.gpu),
    typeof limits?.containers === 'number' &&
      trans._n('%1 container', '%1 containers', limits.containers)
  ].filter(Boolean);
  return parts.join(', ') || '–';
}

function Row(props: {
  account: IAccount;
  client: MLWSClient;
  columns: number;
  isBusy: boolean;
  onDelete: () => void;
}): JSX.Element {
  const { account, client } = props;
  const { name, kind, last_activity } = account;
  const [isEdited, setIsEdited] = useState(false);
  return (
    <>
      <tr data-mlws-account={`${kind} ${name}`}>
        <th scope="row">
          {account.admin ? trans.__('%1 (administrator)', name) : name}
        </th>
        <td className="jp-mlws-Grid-text">
          {kind === 'user'
            ? account.groups.join(', ') || '–'
            : trans._n('%1 member', '%1 members', account.members)}
        </td>
        <td>{account.containers}</td>
        <td>{limitsText(account.limits)}</td>
        <td>{METERS.map(meter => hoursText(account[meter])).join(' / ')}</td>
        <td>
          {account.budgets.length === 0
            ? '–'
            : account.budgets.map(budget => (
                <BudgetMeterRow
                  key={budget.meter}
                  budget={budget}
                  owner={name}
                />
              ))}
        </td>
        {kind === 'user' && (
          <td title={last_activity ? fullTime(last_activity) : undefined}>
            {last_activity ? relativeTime(last_activity) : trans.__('never')}
          </td>
        )}
        <td>
          <ActionGroup of={name}>
            <ActionButton
              name="resize"
              label={trans.__('Edit Limits of %1', name)}
              onClick={() => setIsEdited(!isEdited)}
            />
            <ActionButton
              name="delete"
              label={trans.__('Remove Limits of %1', name)}
              disabled={account.limits === null || props.isBusy}
              onClick={props.onDelete}
            />
          </ActionGroup>
        </td>
      </tr>
      {isEdited && (
        <tr className="jp-mlws-Grid-notes">
          <td colSpan={props.columns}>
            <LimitsForm
              account={account}
              client={client}
              onDone={() => setIsEdited(false)}
            />
          </td>
        </tr>
      )}
    </>
  );
}

/** Users or groups with their limits and what they used in this month. */
function Accounts(
  props: IProps & { path: '/users' | '/groups'; filter: string }
): JSX.Element {
  const { client, path, filter } = props;
  const query = { limit: PAGE_SIZE, ...(filter && { q: filter }) };
  const accounts = useGet(client, path, query, { keepPrevious: true });
  const removal = useMutation(
    {
      mutationFn: async (account: IAccount) => {
        await client.delete(pathOf(account));
      },
      onSettled: () => client.refresh('/users', '/groups')
    },
    client.queries
  );
  const isOfUsers = path === '/users';
  const heads = [
    isOfUsers ? trans.__('User') : trans.__('Group'),
    isOfUsers ? trans.__('Groups') : trans.__('Members'),
    trans.__('Containers'),
    trans.__('Limits'),
    trans.__('CPU / GiB / GPU hours this month'),
    trans.__('Budgets'),
    ...(isOfUsers ? [trans.__('Last activity')] : []),
    trans.__('Actions')
  ];
  const noRows = isOfUsers
    ? trans.__('No users yet.')
    : trans.__(
        'No groups yet. Create groups in the Hub’s administration page, or by its API.'
      );
  return (
    <Grid
      name={isOfUsers ? 'Users' : 'Groups'}
      title={isOfUsers ? trans.__('Users') : trans.__('Groups')}
      heads={heads}
      empty={
        accounts.data
          ? filter
            ? trans.__('No names match the filter.')
            : noRows
          : null
      }
      notes={
        <>
          {props.isReachable && <Failures of={[accounts]} />}
          {removal.error && <Failure error={removal.error} />}
        </>
      }
      more={
        accounts.data?.next_cursor
          ? () => void readMore(client, path, query, 'items')
          : undefined
      }
    >
      {(accounts.data?.items ?? []).map(account => (
        <Row
          key={account.name}
          account={account}
          client={client}
          columns={heads.length}
          isBusy={removal.isPending}
          onDelete={() => removal.mutate(account)}
        />
      ))}
    </Grid>
  );
}

/** Lets the browser save the usage of all users as a table. */
async function downloadUsage(client: MLWSClient): Promise<void> {
  const { baseUrl, request } = client.server;
  const response = await request(`${baseUrl}/resources/usage?format=csv`, {});
  if (!response.ok) {
    throw new APIError(response.status, await response.json());
  }
  download(await response.blob(), 'usage.csv');
}

/** Users and groups with limits, budgets and usage. */
export function Users(props: IProps): JSX.Element {
  const [filter, setFilter] = useState('');
  const { client } = props;
  const table = useMutation(
    { mutationFn: () => downloadUsage(client) },
    client.queries
  );
  return (
    <>
      {table.error && <Failure error={apiError(table.error)} />}
      <div className="jp-mlws-Toolbar">
        <SearchField
          placeholder={trans.__('Filter')}
          label={trans.__('Filter by user or group')}
          value={filter}
          onChange={setFilter}
        />
        <button
          className="jp-mod-styled"
          disabled={table.isPending}
          onClick={() => table.mutate()}
        >
          {trans.__('Download Usage (CSV)')}
        </button>
      </div>
      <Accounts {...props} path="/users" filter={filter} />
      <Accounts {...props} path="/groups" filter={filter} />
    </>
  );
}
