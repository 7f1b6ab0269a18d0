import type { IColumnComparison } from '../../api/models';
import { cellText } from '../format';
import { language, trans } from '../locale';

type Summary = IColumnComparison['before'];

const SIDES = ['before', 'after'] as const;

/** Facts of a column that at least one version has, by their labels. */
function factsOf(column: IColumnComparison): [string, (number | null)[]][] {
  const labels: [keyof NonNullable<Summary>, string][] = [
    ['count', trans.__('Number of values')],
    ['missing', trans.__('Missing')],
    ['distinct', trans.__('Distinct')],
    ['mean', trans.__('Mean')],
    ['std', trans.__('Standard deviation')],
    ['min', trans.__('Minimum')],
    ['max', trans.__('Maximum')]
  ];
  return labels
    .map(([key, label]): [string, (number | null)[]] => [
      label,
      SIDES.map(side => column[side]?.[key] ?? null)
    ])
    .filter(([, values]) => values.some(value => value !== null));
}

function numberOf(value: number | null): string {
  return value === null
    ? '–'
    : Number.isInteger(value)
      ? value.toLocaleString(language)
      : cellText(Number(value.toPrecision(6)));
}

function Bins({ column }: { column: IColumnComparison }): JSX.Element {
  const most = Math.max(
    1,
    ...column.bins.flatMap(bin => SIDES.map(side => bin[side] ?? 0))
  );
  const kind = column.is_histogram ? ' jp-mod-histogram' : '';
  return (
    <ul
      className={`jp-mlws-Bins jp-mlws-PairedBins${kind}`}
      aria-label={trans.__('Distribution of %1', column.name)}
    >
      {column.bins.map(bin => {
        const text = `${bin.label}: ${numberOf(bin.before)} → ${numberOf(bin.after)}`;
        const bars = SIDES.map(side => {
          const share = `${((bin[side] ?? 0) / most) * 100}%`;
          const style = column.is_histogram
            ? { height: share }
            : { width: share };
          return <span key={side} data-mlws-side={side} style={style} />;
        });
        return column.is_histogram ? (
          <li key={bin.label} title={text} aria-label={text}>
            {bars}
          </li>
        ) : (
          <li key={bin.label} title={text}>
            <span className="jp-mlws-Bins-label">{bin.label}</span>
            <span className="jp-mlws-Bins-track">{bars}</span>
            <span className="jp-mlws-Bins-count">
              {numberOf(bin.before)} → {numberOf(bin.after)}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

/** The values of the columns that changed, before and after. */
export function ColumnStatistics(props: {
  columns: readonly IColumnComparison[];
}): JSX.Element | null {
  if (props.columns.length === 0) {
    return null;
  }
  return (
    <details className="jp-mlws-ColumnStatistics">
      <summary>
        {trans.__('Statistics of changed columns')} ({props.columns.length})
      </summary>
      <div className="jp-mlws-ColumnStatistics-all">
        {props.columns.map(column => (
          <section key={column.name} aria-label={column.name}>
            <h4>{column.name}</h4>
            <table className="jp-mlws-Values">
              <thead>
                <tr>
                  <td />
                  {[trans.__('Before'), trans.__('After')].map(
                    (label, index) => (
                      <th key={label} scope="col">
                        <span
                          className="jp-mlws-PairedBins-key"
                          data-mlws-side={SIDES[index]}
                        />
                        {label}
                      </th>
                    )
                  )}
                </tr>
              </thead>
              <tbody>
                {factsOf(column).map(([label, values]) => (
                  <tr key={label}>
                    <th scope="row">{label}</th>
                    {values.map((value, index) => (
                      <td
                        key={index}
                        className={
                          values[0] !== values[1] ? 'jp-mod-differs' : ''
                        }
                      >
                        {numberOf(value)}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
            {column.bins.length > 0 && <Bins column={column} />}
          </section>
        ))}
      </div>
    </details>
  );
}
