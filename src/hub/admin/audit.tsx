import { useState } from 'react';

import type { MLWSClient } from '../../api/client';
import { readMore } from '../../api/pages';
import { SearchField } from '../../ui/controls';
import { fullTime, relativeTime } from '../../ui/format';
import { trans } from '../../ui/locale';
import { Failures, useGet } from '../../ui/server';
import { auditLabel } from './auditLabels';
import { Grid } from './grid';

const PAGE_SIZE = 100;

/** The details of an entry, as "name: value". */
const detailsLabel = (details: Record<string, unknown>): string =>
  Object.entries(details)
    .map(
      ([name, value]) =>
        `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`
    )
    .join(', ');

/** The audit log, newest entries first. */
export function Audit(props: {
  client: MLWSClient;
  isReachable: boolean;
}): JSX.Element {
  const { client } = props;
  const [text, setText] = useState('');
  const query = { limit: PAGE_SIZE, ...(text && { q: text }) };
  const entries = useGet(client, '/audit', query, { keepPrevious: true });
  return (
    <Grid
      name="Audit"
      title={trans.__('Audit log')}
      heads={[
        trans.__('Time'),
        trans.__('User'),
        trans.__('Action'),
        trans.__('Object'),
        trans.__('Details')
      ]}
      empty={
        entries.data
          ? text
            ? trans.__('No entries match the filter.')
            : trans.__('Nothing has been recorded yet.')
          : null
      }
      notes={
        <>
          <div className="jp-mlws-Toolbar">
            <SearchField
              placeholder={trans.__('Filter')}
              label={trans.__('Filter by user, action or object')}
              value={text}
              onChange={setText}
            />
          </div>
          {props.isReachable && <Failures of={[entries]} />}
        </>
      }
      more={
        entries.data?.next_cursor
          ? () => void readMore(client, '/audit', query, 'items')
          : undefined
      }
    >
      {(entries.data?.items ?? []).map(entry => (
        <tr key={entry.id} data-mlws-entry={entry.action}>
          <td title={fullTime(entry.time)}>{relativeTime(entry.time)}</td>
          <th scope="row">{entry.actor}</th>
          <td title={entry.action}>{auditLabel(entry.action)}</td>
          <td className="jp-mlws-Grid-image" title={entry.target}>
            {entry.target}
          </td>
          <td className="jp-mlws-Grid-text">{detailsLabel(entry.details)}</td>
        </tr>
      ))}
    </Grid>
  );
}
