import { closeIcon } from '@jupyterlab/ui-components';
import { cellText } from '../format';
import { useRead } from '../useRead';
import type { ITableSource } from './rowPages';
import { language, trans } from '../locale';
import { IconButton } from '../iconButton';
import { Empty } from '../controls';

/** The distribution of a column of a table. */
export function ColumnPane(props: {
  source: ITableSource;
  /** Changes with the content. */
  version: string;
  column: string;
  onClose: () => void;
}): JSX.Element {
  const { source, version, column } = props;
  const { data, error } = useRead(
    () => source.statistics(column),
    [source, version, column]
  );
  const most = Math.max(1, ...(data?.bins.map(bin => bin.count) ?? []));
  // Only numbers have a range.
  const isNumber = typeof data?.min === 'number';
  const facts: [string, unknown][] = data
    ? [
        [trans.__('Number of values'), data.count],
        [trans.__('Missing'), data.nulls],
        [trans.__('Distinct'), data.distinct],
        [trans.__('Minimum'), data.min],
        [trans.__('Maximum'), data.max],
        [trans.__('Mean'), data.mean],
        [trans.__('Standard deviation'), data.std]
      ]
    : [];
  return (
    <section
      className="jp-mlws-ColumnPane"
      aria-label={trans.__('Statistics of %1', column)}
    >
      <header>
        <h4>{column}</h4>
        <IconButton
          icon={closeIcon}
          label={trans.__('Close')}
          onClick={props.onClose}
        />
      </header>
      {error && <Empty>{error.message}</Empty>}
      {!data && !error && <p>{trans.__('Loading…')}</p>}
      <dl>
        {facts
          .filter(([, value]) => value !== null && value !== undefined)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                {Number.isInteger(value)
                  ? Number(value).toLocaleString(language)
                  : cellText(value)}
              </dd>
            </div>
          ))}
      </dl>
      <ul
        className={`jp-mlws-Bins${isNumber ? ' jp-mod-histogram' : ''}`}
        aria-label={trans.__('Distribution')}
      >
        {data?.bins.map(bin => {
          const share = `${(bin.count / most) * 100}%`;
          const count = bin.count.toLocaleString(language);
          return isNumber ? (
            <li
              key={bin.label}
              title={`${bin.label}: ${count}`}
              aria-label={`${bin.label}: ${count}`}
            >
              <span style={{ height: share }} />
            </li>
          ) : (
            <li key={bin.label} title={`${bin.label}: ${count}`}>
              <span className="jp-mlws-Bins-label">{bin.label || '""'}</span>
              <span className="jp-mlws-Bins-track">
                <span style={{ width: share }} />
              </span>
              <span className="jp-mlws-Bins-count">{count}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
