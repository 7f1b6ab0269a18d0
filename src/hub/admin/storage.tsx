import type { MLWSClient } from '../../api/client';
import type { IMachine, IStorageTotal } from '../../api/models';
import { Waiting } from '../../ui/errorBox';
import { fileSize } from '../../ui/format';
import { trans } from '../../ui/locale';
import { Failures, useGet } from '../../ui/server';
import { DiskMeter } from './machines';

/** What fills the disk of the machines, and what needs attention; for administrators. */
export function Storage(props: {
  client: MLWSClient;
  machines: readonly IMachine[];
  isReachable: boolean;
}): JSX.Element {
  const { client, machines } = props;
  const report = useGet(client, '/storage');
  const { data } = report;
  const total = (label: string, { count, size }: IStorageTotal) => (
    <div key={label}>
      <dt>{label}</dt>
      <dd>
        {fileSize(size)}
        <span className="jp-mlws-Hint">
          {trans._n('%1 object', '%1 objects', count)}
        </span>
      </dd>
    </div>
  );
  return (
    <section className="jp-mlws-Storage" aria-labelledby="mlws-storage">
      <h2 id="mlws-storage">{trans.__('Disk')}</h2>
      {props.isReachable && data && <Failures of={[report]} />}
      {data?.alerts.map(alert => (
        <p key={alert} className="jp-mlws-Note jp-mod-error" role="alert">
          {alert}
        </p>
      ))}
      <ul className="jp-mlws-Nodes">
        {machines.map(({ name, disk }) => (
          <li key={name} className="jp-mlws-Node" data-mlws-disk={name}>
            <h3>{name}</h3>
            {disk === null ? (
              <p className="jp-mlws-Hint">
                {trans.__('The free space of this machine is unknown.')}
              </p>
            ) : (
              <DiskMeter disk={disk} />
            )}
          </li>
        ))}
      </ul>
      {data ? (
        <dl className="jp-mlws-Totals">
          {total(trans.__('Homes'), data.homes)}
          {total(trans.__('Trash'), data.trash)}
          {total(trans.__('Saved environments'), data.environments)}
          {total(trans.__('Images of the Hub'), data.images)}
        </dl>
      ) : (
        <Waiting error={report.error} onRetry={report.refetch} />
      )}
    </section>
  );
}
