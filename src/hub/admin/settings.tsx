import { useState } from 'react';

import type { MLWSClient } from '../../api/client';
import { Hint } from '../../ui/controls';
import { language, trans } from '../../ui/locale';
import { Failures, useGet } from '../../ui/server';
import { Grid } from './grid';

/** The settings of the installation, which are changed on the Hub's machine. */
export function HubSettings(props: {
  client: MLWSClient;
  isReachable: boolean;
}): JSX.Element {
  const settings = useGet(props.client, '/settings');
  const [all, setAll] = useState(false);
  const items = settings.data?.items ?? [];
  return (
    <Grid
      name="Settings"
      title={trans.__('Settings')}
      heads={[trans.__('Setting'), trans.__('Value'), trans.__('Meaning')]}
      empty={
        settings.data ? trans.__('All settings have their defaults.') : null
      }
      notes={
        <>
          <Hint>
            {trans.__(
              'To change settings, run “make hub-config” and then “make hub” on the Hub’s machine. Labs keep running.'
            )}
          </Hint>
          <label>
            <input
              type="checkbox"
              checked={all}
              onChange={event => setAll(event.target.checked)}
            />
            {trans.__('Show settings that have their default')}
          </label>
          {props.isReachable && <Failures of={[settings]} />}
        </>
      }
    >
      {items
        .filter(one => all || one.changed)
        .map(({ name, value, variable, about }) => (
          <tr key={name} data-mlws-setting={name}>
            <th scope="row" title={variable}>
              {name}
            </th>
            <td className="jp-mlws-Grid-text">{value || '–'}</td>
            <td className="jp-mlws-Grid-text">{about[language] ?? about.en}</td>
          </tr>
        ))}
    </Grid>
  );
}
