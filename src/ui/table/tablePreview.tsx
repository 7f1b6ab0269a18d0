import type { ITablePreview } from '../../api/models';
import { cellText } from '../format';
import { language, trans } from '../locale';

/** The first rows of a table, and how many it has. */
export function TablePreview(props: ITablePreview): JSX.Element {
  const { columns, rows, row_count: count } = props;
  const rowText = count === null ? '?' : count.toLocaleString(language);
  return (
    <>
      <p className="jp-mlws-Preview-shape">
        {trans.__(
          'Rows: %1. Columns: %2',
          rowText,
          columns.length.toLocaleString(language)
        )}
      </p>
      <div className="jp-mlws-Preview-scroll" tabIndex={0}>
        <table className="jp-mlws-Table">
          <thead>
            <tr>
              {columns.map(({ name, dtype }) => (
                <th key={name} scope="col">
                  {name}
                  <span className="jp-mlws-Table-dtype">{dtype}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              <tr key={index}>
                {row.map((value, column) => (
                  <td
                    key={column}
                    className={typeof value === 'number' ? 'jp-mod-number' : ''}
                  >
                    {cellText(value)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {count !== null && rows.length < count && (
        <p className="jp-mlws-Preview-shape">
          {trans.__('Rows shown: %1', rows.length.toLocaleString(language))}
        </p>
      )}
    </>
  );
}
